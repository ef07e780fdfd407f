import AFSClient
import Glibc
import Testing

@testable import AFSFuse

/// Locks as programs take them.
@Suite(.serialized) struct LockOperationTests {
  /// F_OFD_SETLK of linux/fcntl.h: a record lock of an open file description, so that one process can be two owners.
  private static let setDescriptionLock: Int32 = 37

  private func record(_ type: Int32, _ start: Int, _ length: Int) -> flock {
    var lock = flock()
    lock.l_type = Int16(type)
    lock.l_whence = Int16(SEEK_SET)
    lock.l_start = start
    lock.l_len = length
    return lock
  }

  private func fcntl(_ file: Int32, _ command: Int32, _ lock: flock) -> Int32 {
    var lock = lock
    return Glibc.fcntl(file, command, &lock)
  }

  // Files are opened with O_CLOEXEC: a child process that another test starts at the same time would keep the description
  // open, and with it the lock.

  @Test("flock locks exclude other descriptions, and end with their own")
  func wholeFile() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        let one = try call(open(path + "/f", O_RDWR | O_CREAT | O_CLOEXEC, 0o644))
        let two = try call(open(path + "/f", O_RDWR | O_CLOEXEC))
        defer { close(two) }
        try call(flock(one, LOCK_EX))
        #expect(failure(flock(two, LOCK_EX | LOCK_NB)) == EWOULDBLOCK)
        #expect(failure(flock(two, LOCK_SH | LOCK_NB)) == EWOULDBLOCK)
        try call(flock(one, LOCK_UN))
        try call(flock(two, LOCK_SH | LOCK_NB))
        try call(flock(one, LOCK_SH | LOCK_NB))
        try call(flock(two, LOCK_UN))
        try call(flock(one, LOCK_EX))
        close(one)
        try call(flock(two, LOCK_EX))
      }
    }
  }

  @Test("fcntl locks exclude others where they overlap, and end with the first close of their owner")
  func records() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        let mine = try call(open(path + "/f", O_RDWR | O_CREAT | O_CLOEXEC, 0o644))
        let other = try call(open(path + "/f", O_RDWR | O_CLOEXEC))
        defer { close(other) }
        try call(fcntl(mine, F_SETLK, record(F_WRLCK, 100, 50)))
        #expect(failure(fcntl(other, Self.setDescriptionLock, record(F_RDLCK, 0, 101))) == EAGAIN)
        try call(fcntl(other, Self.setDescriptionLock, record(F_RDLCK, 0, 100)))
        try call(fcntl(other, Self.setDescriptionLock, record(F_WRLCK, 150, 0)))
        var obstacle = record(F_WRLCK, 0, 10)
        try call(Glibc.fcntl(mine, F_GETLK, &obstacle))
        #expect(obstacle.l_type == Int16(F_RDLCK) && obstacle.l_start == 0 && obstacle.l_len == 100)
        var free = record(F_WRLCK, 100, 50)
        try call(Glibc.fcntl(mine, F_GETLK, &free))
        #expect(free.l_type == Int16(F_UNLCK))
        // Any descriptor of the process.
        close(try call(open(path + "/f", O_RDWR | O_CLOEXEC)))
        try call(fcntl(other, Self.setDescriptionLock, record(F_WRLCK, 0, 0)))
        close(mine)
      }
    }
  }

  @Test("A description's lock ends with it")
  func descriptions() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        let one = try call(open(path + "/f", O_RDWR | O_CREAT | O_CLOEXEC, 0o644))
        let two = try call(open(path + "/f", O_RDWR | O_CLOEXEC))
        defer { close(two) }
        try call(fcntl(one, Self.setDescriptionLock, record(F_WRLCK, 0, 0)))
        #expect(failure(fcntl(two, Self.setDescriptionLock, record(F_WRLCK, 5, 1))) == EAGAIN)
        close(one)
        // F_OFD_SETLKW: the last close reaches us after close(2).
        try call(fcntl(two, Self.setDescriptionLock + 1, record(F_WRLCK, 5, 1)))
      }
    }
  }
}
