import AFSBase
import AFSClient
import AFSFuse
import Glibc
import Synchronization
import Testing

@Suite(.tags(.mount), .enabled(if: canMount), .serialized, .timeLimit(.minutes(2)))
struct KernelInvalidationTests {
  private func key(_ number: UInt64) -> FileKey { MemoryFileSystem.key(number, mount: 0).file }

  @Test("Without an invalidation the kernel answers from memory; with it, from the file system")
  func contents() async throws {
    let fileSystem = MemoryFileSystem()
    let number = fileSystem.plant("f", Array("old".utf8))
    try await TestMount.with(fileSystem) { mount in
      let seen1 = try await mount.run { try readFile($0 + "/f") }
      #expect(seen1 == Array("old".utf8))
      fileSystem.plant("f", Array("newer".utf8))
      let seen2 = try await mount.run { try readFile($0 + "/f") }
      #expect(seen2 == Array("old".utf8), "nothing was said")
      mount.session.invalidation.invalidate(.contents(key(number)))
      await mount.session.invalidation.settle(within: .seconds(5))
      let seen3 = try await mount.run { try readFile($0 + "/f") }
      #expect(seen3 == Array("newer".utf8))
      let seen4 = try await mount.run { try status($0 + "/f").st_size }
      #expect(seen4 == 5)
    }
  }

  @Test("Changed attributes are seen, pages stay")
  func attributes() async throws {
    let fileSystem = MemoryFileSystem()
    let number = fileSystem.plant("f", Array("same".utf8))
    try await TestMount.with(fileSystem) { mount in
      _ = try await mount.run { try readFile($0 + "/f") }
      let reads = fileSystem.counts.reads
      fileSystem.state.withLock { $0.inodes[number]?.permissions = 0o600 }
      mount.session.invalidation.invalidate(.attributes(key(number)))
      await mount.session.invalidation.settle(within: .seconds(5))
      let seen5 = try await mount.run { try status($0 + "/f").st_mode & 0o777 }
      #expect(seen5 == 0o600)
      _ = try await mount.run { try readFile($0 + "/f") }
      #expect(fileSystem.counts.reads == reads)
    }
  }

  @Test("Names that came and names that went are seen, in lookups and listings")
  func names() async throws {
    let fileSystem = MemoryFileSystem()
    fileSystem.plant("old", [1])
    try await TestMount.with(fileSystem) { mount in
      try await mount.run { path throws in
        #expect(try list(path) == [".", "..", "old"])
        #expect(failure(access(path + "/new", F_OK)) == ENOENT)
      }
      fileSystem.uproot("old")
      fileSystem.plant("new", [2])
      mount.session.invalidation.invalidate(.names(ofDirectory: key(1)))
      await mount.session.invalidation.settle(within: .seconds(5))
      try await mount.run { path throws in
        #expect(try list(path) == [".", "..", "new"])
        #expect(failure(access(path + "/old", F_OK)) == ENOENT)
        #expect(try readFile(path + "/new") == [2])
      }
    }
  }

  @Test("A single name can be told")
  func oneName() async throws {
    let fileSystem = MemoryFileSystem()
    try await TestMount.with(fileSystem) { mount in
      try await mount.run { path throws in #expect(failure(access(path + "/new", F_OK)) == ENOENT) }
      fileSystem.plant("new", [2])
      mount.session.invalidation.invalidate(.name(Array("new".utf8), inDirectory: key(1)))
      await mount.session.invalidation.settle(within: .seconds(5))
      let seen6 = try await mount.run { try readFile($0 + "/new") }
      #expect(seen6 == [2])
    }
  }

  @Test("Whoever works in a directory stays there when names around it change")
  func workingDirectory() async throws {
    let fileSystem = MemoryFileSystem()
    let directory = fileSystem.plantDirectory("d")
    fileSystem.plant("f", [1], in: directory)
    try await TestMount.with(fileSystem) { mount in
      let file = try await mount.run { try call(open($0 + "/d", O_RDONLY | O_DIRECTORY)) }
      defer { close(file) }
      mount.session.invalidation.invalidate(.names(ofDirectory: key(1)))
      await mount.session.invalidation.settle(within: .seconds(5))
      try await mount.run { path throws in
        #expect(try status(path + "/d").st_ino == directory + 100)
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = try call(readlink("/proc/self/fd/\(file)", &buffer, 4096))
        let text = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #expect(text == path + "/d", "no '(deleted)'")
      }
    }
  }

  @Test("A change through one mount point is seen through the other")
  func aliases() async throws {
    let fileSystem = MemoryFileSystem()
    let directory = fileSystem.plantDirectory("one")
    let file = fileSystem.plant("f", Array("old".utf8), in: directory)
    fileSystem.plantAlias("two", of: directory, mount: 5)
    try await TestMount.with(fileSystem) { mount in
      try await mount.run { path throws in
        #expect(try readFile(path + "/one/f") == Array("old".utf8))
        #expect(try readFile(path + "/two/f") == Array("old".utf8))
        #expect(failure(access(path + "/two/g", F_OK)) == ENOENT)
        try writeFile(path + "/one/f", Array("fresh".utf8))
        try writeFile(path + "/one/g", [1])
      }
      await mount.session.invalidation.settle(within: .seconds(5))
      try await mount.run { path throws in
        #expect(try readFile(path + "/two/f") == Array("fresh".utf8))
        #expect(try readFile(path + "/two/g") == [1])
      }
      #expect(fileSystem.bytes("f", in: directory) == Array("fresh".utf8))
      _ = file
    }
  }

  @Test("A file that changes a thousand times is never seen stale after its change was told", arguments: [true, false])
  func noStaleReads(cached: Bool) async throws {
    let fileSystem = MemoryFileSystem()
    fileSystem.behaviour.answersFromCache = cached
    let number = fileSystem.plant("f", Array("0".utf8))
    try await TestMount.with(fileSystem) { mount in
      for round in 1...1000 {
        let text = Array("\(round)".utf8)
        if round % 5 == 0 {
          // The file is replaced: names change, too.
          fileSystem.uproot("f")
          fileSystem.plant("f", text)
          mount.session.invalidation.invalidate(.names(ofDirectory: key(1)))
        } else {
          fileSystem.plant("f", text)
          let now = fileSystem.state.withLock { $0.inodes[1]?.entries[Array("f".utf8)] ?? number }
          mount.session.invalidation.invalidate(.contents(key(now)))
        }
        await mount.session.invalidation.settle(within: .seconds(5))
        let seen = try await mount.run { path throws in
          (try status(path + "/f").st_size, try readFile(path + "/f"))
        }
        #expect(seen.1 == text)
        #expect(seen.0 == text.count)
        if seen.1 != text { break }
      }
    }
  }

  @Test("Readers all the time while names and contents change: in the end everything is as it is")
  func changesUnderLoad() async throws {
    let fileSystem = MemoryFileSystem()
    for index in 0..<50 { fileSystem.plant("\(index)", [0]) }
    try await TestMount.with(fileSystem) { mount in
      let ending = Monitor(false)
      let readers = (0..<3).compactMap { reader in
        WorkerThread(name: "afs-reader") { [path = mount.path] in
          while !ending.withLock({ $0 }) {
            _ = try? list(path)
            for index in 0..<50 {
              _ = try? readFile(path + "/\(index)")
              _ = try? status(path + "/new \(index + reader)")
            }
          }
        }
      }
      for round in 1...300 {
        let index = round % 50
        let number = fileSystem.plant("\(index)", [UInt8](repeating: UInt8(round & 0xff), count: round))
        mount.session.invalidation.invalidate(.contents(key(number)))
        fileSystem.plant("new \(index)", [1])
        mount.session.invalidation.invalidate(.names(ofDirectory: key(1)))
        if round % 10 == 0 { await mount.session.invalidation.settle(within: .seconds(1)) }
      }
      await mount.session.invalidation.settle(within: .seconds(5))
      ending.change { $0 = true }
      for reader in readers { reader.join() }
      // Replies that were on their way have been told again by now.
      usleep(300_000)
      await mount.session.invalidation.settle(within: .seconds(5))
      try await mount.run { path throws in
        for index in 0..<50 {
          let bytes = try readFile(path + "/\(index)")
          #expect(bytes == fileSystem.bytes("\(index)"))
          #expect(try status(path + "/\(index)").st_size == bytes.count)
          #expect(try status(path + "/new \(index)").st_size == 1)
        }
        #expect(try list(path).count == 102)
      }
    }
  }

  @Test("Settling ends in time while a request holds the kernel's lock on the file")
  func bounded() async throws {
    let fileSystem = MemoryFileSystem()
    let number = fileSystem.plant("f", [UInt8](repeating: 1, count: 1000))
    let other = fileSystem.plant("g", Array("old".utf8))
    try await TestMount.with(fileSystem) { mount in
      let seen7 = try await mount.run { try readFile($0 + "/g") }
      #expect(seen7 == Array("old".utf8))
      fileSystem.behaviour.blocksReads = true
      let file = try await mount.run { try call(open($0 + "/f", O_RDONLY)) }
      let reader = try #require(
        WorkerThread(name: "afs-reader") {
          var byte: UInt8 = 0
          _ = pread(file, &byte, 1, 0)
        })
      for _ in 0..<500 where mount.session.statistics.waitingRequests == 0 { usleep(10_000) }
      mount.session.invalidation.invalidate(.contents(key(number)))
      let started = SystemClock.monotonic
      await mount.session.invalidation.settle(within: .milliseconds(200))
      let waited = SystemClock.monotonic - started
      #expect(waited >= .milliseconds(190) && waited < .seconds(3))
      // Other files are told meanwhile.
      fileSystem.behaviour.blocksReads = false
      fileSystem.plant("g", Array("new".utf8))
      mount.session.invalidation.invalidate(.contents(key(other)))
      var seen: [UInt8] = []
      for _ in 0..<100 where seen != Array("new".utf8) {
        seen = try await mount.run { try readFile($0 + "/g") }
        usleep(10_000)
      }
      #expect(seen == Array("new".utf8))
      fileSystem.releaseReads()
      reader.join()
      close(file)
    }
  }
}
