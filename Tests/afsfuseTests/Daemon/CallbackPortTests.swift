import AFSFuse
import ArgumentParser
import Logging
import RxTransport
import TestFolders
import Testing

@testable import afsfuse

@Suite struct CallbackPortTests {
  @Test("A daemon whose port is taken uses another, and says which")
  func taken() async throws {
    let other = try RxTransport()
    let folder = TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    let line = ["mount", folder.path, "--callback-port", "\(other.boundPort)"]
    let command = try #require(try AFSFuseCommand.parseAsRoot(line) as? MountCommand)
    var arguments = command.arguments
    let options = try arguments.applyOptionLists()
    let settings = try arguments.settings(options)
    let transport = try MountedClient.openTransport(settings, trace: nil, logger: Logger(label: "test"))
    #expect(transport.boundPort != other.boundPort)
    #expect(transport.portWasTaken)
    await transport.shutDown()
    await other.shutDown()
  }
}
