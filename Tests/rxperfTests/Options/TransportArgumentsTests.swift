import ArgumentParser
import Glibc
import ProgramEnd
import RxCore
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
      ["client", "-c", "rpc", "-b", "3"], ["client", "-c", "recv", "-S", "3"], ["client", "-c", "send", "-R", "3"],
      ["client", "-c", "rpc", "--prime"], ["server", "--allow-zeros"], ["client", "-c", "rpc", "-p", "0"],
      ["client", "-c", "recv", "-b", "2147483648"], ["client", "-c", "rpc", "-t", "1025"],
      ["client", "-c", "rpc", "--io-threads", "65"], ["server", "--io-threads", "65"],
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

  @Test("The greatest sizes are taken, and options where they have an effect")
  func limits() throws {
    for words in [
      ["client", "-c", "recv", "-b", "2147483647"], ["client", "-c", "rpc", "-t", "1024", "--io-threads", "64"],
      ["client", "-c", "rpc", "-S", "0", "-R", "0", "--prime", "--verify"],
      ["server", "--io-threads", "64", "-p", "0"],
    ] { _ = try RxPerfCommand.parseAsRoot(words) }
  }

  @Test("An address that is not this host's is named")
  func foreignAddress() throws {
    let arguments = try TransportArguments.parse(["--spin", "0"])
    // TEST-NET-1 (RFC 5737).
    let address = RxAddress(ipv4: 0xC000_0201, port: 0)
    let failure = #expect(throws: RunFailure.self) {
      try arguments.openTransport(address: address, port: 7009, trace: nil)
    }
    #expect(failure?.text.hasPrefix("192.0.2.1:7009: ") == true)
    #expect(failure?.text.contains("Cannot assign requested address") == true)
  }

  @Test("A file that cannot be written is none either")
  func trace() throws {
    let arguments = try TransportArguments.parse(["--trace", "/nonexistent/trace"])
    #expect(throws: RunFailure.self) { try arguments.openTrace() }
  }
}
