import ArgumentParser
import Glibc
import RxTransport
import Testing

@testable import rxperf

@Suite struct TransportArgumentsTests {
  @Test(
    "What is wrong with the command line ends with 64",
    arguments: [
      ["server", "--rx", "foo=1"], ["server", "-W", "0"], ["server", "-u", "1"], ["server", "--spin", "-1"],
      ["server", "--io-threads", "0"], ["server", "--debug-from", "here"], ["client", "-c", "rpc", "-u", "1"],
      ["client", "-c", "rpc", "--rx", "rx_mtu=x"], ["client", "-c", "rpc", "--timeout", "0"], ["client"],
    ])
  func usage(words: [String]) {
    do {
      _ = try RxPerfCommand.parseAsRoot(words)
      Issue.record("\(words) is taken")
    } catch {
      #expect(RxPerfCommand.exitCode(for: error) == .validationFailure)
    }
  }

  @Test("A port that is taken is no fault of the command line's")
  func taken() async throws {
    let arguments = try TransportArguments.parse(["--spin", "0"])
    let first = try arguments.openTransport(address: nil, port: 0, trace: nil)
    let port = first.boundPort
    let failure = #expect(throws: RunFailure.self) {
      try arguments.openTransport(address: nil, port: port, trace: nil)
    }
    #expect(failure?.text == "UDP port \(port) is in use (say -p to use another)")
    await first.shutDown()
  }

  @Test("A file that cannot be written is none either")
  func trace() throws {
    let arguments = try TransportArguments.parse(["--trace", "/nonexistent/trace"])
    #expect(throws: RunFailure.self) { try arguments.openTrace() }
  }
}
