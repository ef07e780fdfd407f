import AFSBase
import Logging
import SystemPackage
import TestFolders
import Testing

@testable import AFSClient

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct HostIdentityTests {
  private func withDirectory<R>(_ body: (FilePath) throws -> R) rethrows -> R {
    let folder = TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    return try body(FilePath(folder.path))
  }

  private let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  @Test("A UUID is the same at the next start") func persistence() {
    withDirectory { directory in
      var generator = SeededGenerator(seed: 1)
      let first = HostIdentity.load(in: directory, using: &generator, log: log)
      #expect(HostIdentity.load(in: directory, using: &generator, log: log) == first)
    }
  }

  @Test("A damaged file gives a new UUID, which stays", arguments: ["", "afsfuse host uuid 9\nx\n", "\0\u{1}"])
  func damage(text: String) throws {
    try withDirectory { directory in
      let file = try FileDescriptor.open(
        directory.appending(HostIdentity.fileName), .writeOnly, options: [.create], permissions: [.ownerReadWrite])
      try file.writeAll(Array(text.utf8))
      try file.close()
      var generator = SeededGenerator(seed: 2)
      let uuid = HostIdentity.load(in: directory, using: &generator, log: log)
      #expect(HostIdentity.load(in: directory, using: &generator, log: log) == uuid)
    }
  }
}
