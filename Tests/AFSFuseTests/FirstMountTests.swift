import AFSClient
import Glibc
import Testing

@testable import AFSFuse

@Suite(.tags(.mount), .enabled(if: canMount), .serialized, .timeLimit(.minutes(1)))
struct FirstMountTests {
  @Test("A mounted file is listed, read and written")
  func first() async throws {
    let fileSystem = MemoryFileSystem()
    fileSystem.plant("hello", Array("world".utf8))
    try await TestMount.with(fileSystem) { mount in
      let names = try await mount.run { try list($0) }
      #expect(names == [".", "..", "hello"])
      #expect(try await mount.run { try readFile($0 + "/hello") } == Array("world".utf8))
      try await mount.run { try writeFile($0 + "/new", [1, 2, 3]) }
      #expect(fileSystem.bytes("new") == [1, 2, 3])
    }
  }
}
