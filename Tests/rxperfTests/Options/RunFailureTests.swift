import ArgumentParser
import ProgramEnd
import Testing

@testable import rxperf

@Suite struct RunFailureTests {
  @Test("A run that fails ends with 1, without the usage")
  func status() async throws {
    let error = await #expect(throws: ExitCode.self) {
      try await RunFailure.reported(by: "rxperf") { throw RunFailure("nobody answers") }
    }
    #expect(error == .failure)
    #expect(RxPerfCommand.fullMessage(for: ExitCode.failure) == "")
  }

  @Test("Other errors are left to who knows them")
  func others() async throws {
    await #expect(throws: CancellationError.self) {
      try await RunFailure.reported(by: "rxperf") { throw CancellationError() }
    }
    try await RunFailure.reported(by: "rxperf") {}
  }

  @Test("A host without an address is named")
  func unresolvable() {
    // Longer than names can be: nobody is asked.
    let host = String(repeating: "a", count: 300)
    let failure = #expect(throws: RunFailure.self) { try ServerName.address(of: host, port: 1) }
    #expect(failure?.text.contains(host) == true)
  }
}
