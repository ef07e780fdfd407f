import ArgumentParser
import ProgramEnd
import TestWorld
import Testing

@testable import afsmock

@Suite struct RunFailureTests {
  @Test("A run that fails ends with 1, without the usage")
  func status() async throws {
    let error = await #expect(throws: ExitCode.self) {
      try await RunFailure.reported(by: "afsmock") { throw RunFailure("the port is taken") }
    }
    #expect(error == .failure)
    #expect(AFSMockCommand.fullMessage(for: ExitCode.failure) == "")
  }

  @Test("An address that is not this machine's cannot be bound")
  func address() {
    // TEST-NET-3 of RFC 5737.
    let failure = #expect(throws: RunFailure.self) { try AFSMockCommand.transport(0xCB00_7101, 7000) }
    #expect(failure?.text.hasPrefix("203.0.113.1:7000: ") == true)
  }

  @Test("A folder that cannot be read is named")
  func populate() throws {
    let command = try AFSMockCommand.parse(["--populate", "/nonexistent/folder"])
    let failure = try World.run(seed: 1) { world -> RunFailure? in
      do {
        try command.fill(world.cell)
        return nil
      } catch {
        return error as? RunFailure
      }
    }
    #expect(failure?.text.hasPrefix("/nonexistent/folder cannot be read: ") == true)
  }
}
