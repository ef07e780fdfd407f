import AFSClient
import AFSFuse
import Glibc
import Testing

@Suite(.tags(.mount), .enabled(if: canMount), .serialized, .timeLimit(.minutes(2)))
struct DirectoryOperationTests {
  @Test("A directory of 10,000 entries is listed with attributes, without a lookup", arguments: [true, false])
  func large(prepared: Bool) async throws {
    let fileSystem = MemoryFileSystem()
    for index in 0..<10_000 { fileSystem.plant("file \(index)", [UInt8](repeating: 1, count: index % 7)) }
    fileSystem.behaviour.preparesEntries = !prepared
    try await TestMount.with(fileSystem) { mount in
      try await mount.run(seconds: 60) { path throws in
        let names = try list(path)
        #expect(names.count == 10_002)
        #expect(Set(names).count == 10_002)
        for index in 0..<10_000 { #expect(try status(path + "/file \(index)").st_size == index % 7) }
      }
      #expect(fileSystem.counts.lookups <= 1)
      #expect(fileSystem.counts.attributes <= 1)
      #expect(prepared == (fileSystem.counts.prepares == 0))
      #expect(mount.session.statistics.nodes == 10_001)
      #expect(mount.session.statistics.names == 10_000)
      // The kernel keeps the listing, unless the machine's page cache is dropped just then.
      var isKept = false
      for _ in 0..<3 where !isKept {
        let opens = fileSystem.counts.openDirectories
        let listings = mount.session.requestCounts.listings
        try await mount.run { path throws in #expect(try list(path).count == 10_002) }
        #expect(fileSystem.counts.openDirectories == opens + 1)
        isKept = mount.session.requestCounts.listings == listings
      }
      #expect(isKept)
    }
  }

  @Test("Reading starts over with what is there now")
  func rewinding() async throws {
    try await TestMount.with { mount in
      mount.fileSystem.plant("a", [])
      try await mount.run { path throws in
        let directory = try #require(opendir(path))
        defer { closedir(directory) }
        var first = 0
        while readdir(directory) != nil { first += 1 }
        try writeFile(path + "/b", [])
        rewinddir(directory)
        var second = 0
        while readdir(directory) != nil { second += 1 }
        #expect((first, second) == (3, 4))
      }
    }
  }

  @Test("seekdir finds its place again")
  func seeking() async throws {
    let fileSystem = MemoryFileSystem()
    for index in 0..<1000 { fileSystem.plant("\(index)", []) }
    try await TestMount.with(fileSystem) { mount in
      try await mount.run { path throws in
        let directory = try #require(opendir(path))
        defer { closedir(directory) }
        var places: [(Int, UInt)] = []
        while true {
          let place = telldir(directory)
          guard let entry = readdir(directory) else { break }
          places.append((place, UInt(entry.pointee.d_ino)))
        }
        #expect(places.count == 1002)
        for index in stride(from: 0, to: 1002, by: 97) {
          seekdir(directory, places[index].0)
          #expect(readdir(directory)?.pointee.d_ino == places[index].1)
        }
      }
    }
  }

  @Test("Nodes are forgotten when the kernel drops them")
  func forgetting() async throws {
    let fileSystem = MemoryFileSystem()
    for index in 0..<500 { fileSystem.plant("\(index)", []) }
    try await TestMount.with(fileSystem) { mount in
      try await mount.run { path throws in _ = try list(path) }
      #expect(mount.session.statistics.nodes == 501)
      try await mount.run { path throws in
        for index in 0..<500 { try call(unlink(path + "/\(index)")) }
        // FORGETs come in the background; a request after them is not answered before them.
        for _ in 0..<200 where mount.session.statistics.nodes > 1 { usleep(10_000) }
      }
      #expect(mount.session.statistics.nodes == 1)
      #expect(fileSystem.counts.forgotten == 500)
    }
  }
}
