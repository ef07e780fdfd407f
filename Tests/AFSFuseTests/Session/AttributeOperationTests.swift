import AFSClient
import AFSFuse
import CTestCalls
import Glibc
import Testing

@Suite(.tags(.mount), .enabled(if: canMount), .serialized, .timeLimit(.minutes(1)))
struct AttributeOperationTests {
  @Test("Mode, owner, size and times are set", arguments: [true, false])
  func setting(cached: Bool) async throws {
    try await TestMount.with(cached: cached) { mount in
      try await mount.run { path throws in
        let file = path + "/f"
        try writeFile(file, [UInt8](repeating: 1, count: 100))
        try call(chmod(file, 0o4751))
        #expect(try status(file).st_mode & 0o7777 == 0o4751)
        try call(truncate(file, 10))
        #expect(try readFile(file) == [UInt8](repeating: 1, count: 10))
        try call(truncate(file, 20))
        #expect(try readFile(file).suffix(10) == [UInt8](repeating: 0, count: 10))
        #expect(failure(truncate(file, 1 << 40)) == EFBIG)
        var times = [timespec(tv_sec: 5, tv_nsec: 0), timespec(tv_sec: 1_234_567_890, tv_nsec: 0)]
        try call(utimensat(AT_FDCWD, file, &times, 0))
        #expect(try status(file).st_mtim.tv_sec == 1_234_567_890)
      }
    }
  }

  @Test("UTIME_NOW means now, UTIME_OMIT leaves the time, the time of access is not kept")
  func times() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        let file = path + "/f"
        try writeFile(file, [])
        let before = try status(file).st_mtim.tv_sec
        // UTIME_NOW and UTIME_OMIT of sys/stat.h.
        let (now, omit) = ((1 << 30) - 1, (1 << 30) - 2)
        var times = [timespec(tv_sec: 77, tv_nsec: 0), timespec(tv_sec: 0, tv_nsec: omit)]
        try call(utimensat(AT_FDCWD, file, &times, 0))
        #expect(try status(file).st_mtim.tv_sec == before)
        times = [timespec(tv_sec: 0, tv_nsec: omit), timespec(tv_sec: 0, tv_nsec: now)]
        try call(utimensat(AT_FDCWD, file, &times, 0))
        #expect(abs(try status(file).st_mtim.tv_sec - time(nil)) <= 2)
      }
    }
  }

  @Test("The inode number is the file's, not the session's")
  func inodeNumbers() async throws {
    let fileSystem = MemoryFileSystem()
    let number = fileSystem.plant("f", [1, 2, 3])
    try await TestMount.with(fileSystem) { mount in
      try await mount.run { path throws in
        let status = try status(path + "/f")
        #expect(status.st_ino == number + 100)
        #expect(status.st_size == 3)
        #expect(status.st_blocks == 1)
      }
    }
  }

  @Test("statfs shows the volume")
  func statistics() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        var statistics = statvfs()
        try call(statvfs(path, &statistics))
        #expect(statistics.f_frsize == 1024)
        #expect(statistics.f_blocks == 5000)
        #expect(statistics.f_bfree == 3000)
        #expect(statistics.f_bavail == 2000)
        #expect(statistics.f_namemax == 255)
      }
    }
  }

  @Test("access(2) asks the file system")
  func access() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        try writeFile(path + "/f", [])
        try call(chmod(path + "/f", 0o400))
        #expect(Glibc.access(path + "/f", R_OK) == 0)
        #expect(failure(Glibc.access(path + "/f", W_OK)) == EACCES)
        #expect(Glibc.access(path + "/f", F_OK) == 0)
      }
    }
  }

  @Test("Extended attributes: those of AFS and no others")
  func extendedAttributes() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        let file = path + "/f"
        try writeFile(file, [])
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = try call(listxattr(file, nil, 0))
        #expect(count == "afs.acl".utf8.count + "afs.fid".utf8.count + 2)
        let size = try call(getxattr(file, "afs.acl", nil, 0))
        #expect(try call(getxattr(file, "afs.acl", &buffer, 100)) == size)
        #expect(String(decoding: buffer[..<size], as: UTF8.self) == "system:anyuser rl")
        #expect(failure(getxattr(file, "afs.acl", &buffer, 3)) == ERANGE)
        try call(setxattr(file, "afs.acl", "none", 4, 0))
        #expect(try call(getxattr(file, "afs.acl", &buffer, 100)) == 4)
        #expect(failure(getxattr(file, "afs.other", &buffer, 100)) == ENODATA)
        #expect(failure(setxattr(file, "afs.fid", "x", 1, 0)) == EPERM)
        #expect(failure(setxattr(file, "afs.acl", "x", 1, 1)) == EEXIST, "XATTR_CREATE")
        #expect(failure(removexattr(file, "afs.acl")) == EPERM)
        #expect(failure(getxattr(file, "user.x", &buffer, 100)) == EOPNOTSUPP)
        #expect(failure(setxattr(file, "user.x", "x", 1, 0)) == EOPNOTSUPP)
        #expect(failure(removexattr(file, "user.x")) == EOPNOTSUPP)
      }
    }
  }

  @Test("Attributes are asked for once while they hold")
  func cached() async throws {
    try await TestMount.with { mount in
      mount.fileSystem.plant("f", [1])
      try await mount.run { path throws in for _ in 0..<20 { _ = try status(path + "/f") } }
      #expect(mount.fileSystem.counts.lookups == 1)
      #expect(mount.fileSystem.counts.attributes == 0)
    }
  }

  @Test("Nothing is remembered without validity")
  func uncached() async throws {
    try await TestMount.with { mount in
      mount.fileSystem.behaviour.attributeValidity = .zero
      mount.fileSystem.plant("f", [1])
      try await mount.run { path throws in for _ in 0..<20 { _ = try status(path + "/f") } }
      #expect(mount.fileSystem.counts.attributes >= 19)
    }
  }
}
