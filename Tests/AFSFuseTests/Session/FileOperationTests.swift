import AFSBase
import AFSClient
import AFSFuse
import CTestCalls
import Glibc
import Testing

@Suite(.tags(.mount), .enabled(if: canMount), .serialized, .timeLimit(.minutes(2)))
struct FileOperationTests {
  private func pattern(_ count: Int, seed: UInt64) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count { withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) } }
    return Array(bytes[..<count])
  }

  @Test("Large and odd sizes come back as they were written", arguments: [true, false])
  func bulk(cached: Bool) async throws {
    try await TestMount.with(cached: cached) { mount in
      for size in [1, 4095, 4097, 1 << 20, (1 << 20) + 1, 9_000_001] {
        let bytes = pattern(size, seed: UInt64(size))
        try await mount.run { path throws in
          try writeFile(path + "/f", bytes)
          #expect(try readFile(path + "/f") == bytes)
        }
        #expect(mount.fileSystem.bytes("f") == bytes)
      }
      // Requests of a megabyte each, not of a page.
      mount.fileSystem.resetCounts()
      let bytes = pattern(8 << 20, seed: 1)
      try await mount.run { path throws in try writeFile(path + "/g", bytes) }
      #expect(mount.fileSystem.counts.writes == 8)
    }
  }

  @Test("Writes in the middle and holes", arguments: [true, false])
  func sparse(cached: Bool) async throws {
    try await TestMount.with(cached: cached) { mount in
      try await mount.run { path throws in
        let file = try call(open(path + "/f", O_RDWR | O_CREAT, 0o644))
        defer { close(file) }
        try call(pwrite(file, "end", 3, 100_000))
        try call(pwrite(file, "mid", 3, 50_000))
        var byte = [UInt8](repeating: 9, count: 3)
        try call(pread(file, &byte, 3, 50_000))
        #expect(byte == Array("mid".utf8))
        try call(pread(file, &byte, 3, 10))
        #expect(byte == [0, 0, 0])
        #expect(try status(path + "/f").st_size == 100_003)
        // SEEK_DATA and SEEK_HOLE of unistd.h.
        #expect(lseek(file, 10, 3) == 10)
        #expect(lseek(file, 10, 4) == 100_003)
        #expect(failure(lseek(file, 200_000, 3)) == ENXIO)
      }
    }
  }

  @Test("A file without a name is read and written until its last close")
  func unlinkOpen() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        let file = try call(open(path + "/f", O_RDWR | O_CREAT, 0o644))
        try call(unlink(path + "/f"))
        try call(write(file, "data", 4))
        var bytes = [UInt8](repeating: 0, count: 4)
        #expect(try call(pread(file, &bytes, 4, 0)) == 4)
        #expect(bytes == Array("data".utf8))
        var status = stat()
        try call(fstat(file, &status))
        #expect(status.st_size == 4)
        close(file)
        #expect(try list(path) == [".", ".."])
      }
    }
  }

  @Test("Appends go to the end, wherever another client has moved it")
  func appends() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        let file = try call(open(path + "/f", O_WRONLY | O_CREAT | O_APPEND, 0o644))
        defer { close(file) }
        try call(write(file, "one", 3))
        mount.fileSystem.plant("f", Array("onetwo".utf8))
        try call(write(file, "three", 5))
      }
      #expect(mount.fileSystem.bytes("f") == Array("onetwothree".utf8))
      await mount.session.invalidation.settle(within: .seconds(5))
      let seen8 = try await mount.run { try readFile($0 + "/f") }
      #expect(seen8 == Array("onetwothree".utf8))
    }
  }

  @Test("O_TRUNC empties, O_DIRECT reads and writes")
  func flags() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        try writeFile(path + "/f", [1, 2, 3])
        close(try call(open(path + "/f", O_WRONLY | O_TRUNC)))
        #expect(try status(path + "/f").st_size == 0)
        let file = try call(open(path + "/f", O_RDWR | test_o_direct()))
        defer { close(file) }
        var memory: UnsafeMutableRawPointer?
        posix_memalign(&memory, 4096, 8192)
        let buffer = try #require(memory)
        defer { free(buffer) }
        memset(buffer, 0x5A, 8192)
        #expect(try call(pwrite(file, buffer, 8192, 0)) == 8192)
        memset(buffer, 0, 8192)
        #expect(try call(pread(file, buffer, 8192, 0)) == 8192)
        #expect(buffer.load(fromByteOffset: 8191, as: UInt8.self) == 0x5A)
      }
    }
  }

  @Test("A shared mapping's writes arrive")
  func mapping() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        try writeFile(path + "/f", [UInt8](repeating: 1, count: 10_000))
        let file = try call(open(path + "/f", O_RDWR | O_APPEND))
        defer { close(file) }
        let memory = try #require(mmap(nil, 10_000, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0))
        memory.storeBytes(of: 0x77, toByteOffset: 5000, as: UInt8.self)
        #expect(msync(memory, 10_000, MS_SYNC) == 0)
        munmap(memory, 10_000)
      }
      #expect(mount.fileSystem.bytes("f")?[5000] == 0x77)
      #expect(mount.fileSystem.bytes("f")?.count == 10_000)
    }
  }

  @Test("What AFS cannot express answers what tools expect")
  func unsupported() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        try writeFile(path + "/f", [1, 2, 3])
        let file = try call(open(path + "/f", O_RDWR))
        defer { close(file) }
        let copy = try call(open(path + "/g", O_RDWR | O_CREAT, 0o644))
        defer { close(copy) }
        #expect(failure(test_fallocate(file, 0, 0, 100)) == EOPNOTSUPP)
        #expect(failure(test_ioctl(file)) == ENOTTY)
        #expect(try call(test_copy_file_range(file, copy, 3)) == 3, "the kernel copies")
        #expect(try readFile(path + "/g") == [1, 2, 3])
      }
    }
  }

  @Test("Quota is reported by write, a failed read by read", arguments: [true, false])
  func failures(cached: Bool) async throws {
    try await TestMount.with(cached: cached) { mount in
      mount.fileSystem.behaviour.quota = 1000
      try await mount.run { path throws in
        let file = try call(open(path + "/f", O_RDWR | O_CREAT, 0o644))
        defer { close(file) }
        try call(write(file, [UInt8](repeating: 1, count: 900), 900))
        #expect(failure(write(file, [UInt8](repeating: 1, count: 900), 900)) == EDQUOT)
      }
      mount.fileSystem.behaviour.keepsPages = false
      mount.fileSystem.behaviour.failure = .timedOut
      try await mount.run { path throws in
        #expect(failure(open(path + "/f", O_RDONLY)) == ETIMEDOUT)
      }
    }
  }

  @Test("fsync asks for durability, close for a flush where something was written")
  func flushes() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        let file = try call(open(path + "/f", O_WRONLY | O_CREAT, 0o644))
        try call(write(file, "x", 1))
        try call(fsync(file))
        close(file)
      }
      #expect(mount.fileSystem.counts.synchronizations == 1)
      #expect(mount.fileSystem.counts.flushes == 1)
      try await mount.run { path throws in _ = try readFile(path + "/f") }
      #expect(mount.fileSystem.counts.flushes == 1, "nothing was written")
    }
    // All files are closed at the end of the mount.
  }

  @Test("Each write is one request: the kernel does not ask for capabilities in between")
  func writeRequests() async throws {
    try await TestMount.with { mount in
      try await mount.run { path throws in
        let file = try call(open(path + "/f", O_WRONLY | O_CREAT, 0o644))
        defer { close(file) }
        for _ in 0..<100 { try call(write(file, "x", 1)) }
      }
      #expect(mount.fileSystem.counts.writes == 100)
      #expect(mount.session.requestCounts.extendedAttributes <= 1)
    }
  }

  @Test("Pages stay over an open while the data is the same, and go when it is not")
  func pages() async throws {
    try await TestMount.with { mount in
      mount.fileSystem.plant("f", pattern(100_000, seed: 3))
      try await mount.run { path throws in for _ in 0..<5 { _ = try readFile(path + "/f") } }
      let once = mount.fileSystem.counts.reads
      #expect((1...4).contains(once))
      mount.fileSystem.behaviour.keepsPages = false
      try await mount.run { path throws in _ = try readFile(path + "/f") }
      #expect(mount.fileSystem.counts.reads > once)
    }
  }

  @Test("Many threads at once", arguments: [true, false])
  func parallel(cached: Bool) async throws {
    try await TestMount.with(cached: cached) { mount in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<8 {
          group.addTask {
            try await mount.run(seconds: 60) { path throws in
              for round in 0..<40 {
                let file = path + "/\(worker)-\(round)"
                let bytes = [UInt8](repeating: UInt8(worker), count: 3000 + round)
                try writeFile(file, bytes)
                #expect(try readFile(file) == bytes)
                try call(rename(file, file + "x"))
                _ = try list(path)
                if round % 2 == 0 { try call(unlink(file + "x")) }
              }
            }
          }
        }
        try await group.waitForAll()
      }
      let names = try await mount.run { try list($0) }
      #expect(names.count == 2 + 8 * 20)
    }
  }
}
