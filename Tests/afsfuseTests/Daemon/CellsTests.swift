import Logging
import TestFolders
import Testing

@testable import afsfuse

@Suite struct CellsTests {
  /// Of a machine without configuration files.
  private func failure(cell: String?, servers: String?) -> Failure? {
    let folder = TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    do throws(Failure) {
      _ = try Cells(
        configurationFolder: folder.path, cell: cell, cellServers: servers, seed: 1,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "A cell or servers that can be none are the command line's fault",
    arguments: [("bad..name", nil), (nil, "10.0.0.1"), ("example.com", "10.0.0.1:x")] as [(String?, String?)])
  func usage(cell: String?, servers: String?) {
    #expect(failure(cell: cell, servers: servers)?.status == 64)
  }

  @Test("A cell that nothing is known of may be known tomorrow")
  func unknown() {
    #expect(failure(cell: "nodots", servers: nil)?.status == 1)
    #expect(failure(cell: "example.com", servers: "10.0.0.1") == nil)
  }
}
