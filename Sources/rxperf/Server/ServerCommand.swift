import AFSBase
import AFSControl
import ArgumentParser
import Glibc
import ProgramEnd
import RxCore
import RxTransport

/// `rxperf server`: answers clients until a signal ends it.
struct ServerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "server", abstract: "Serves rxperf calls until SIGINT or SIGTERM, then says what it has served.")

  @Option(name: .shortAndLong, help: ArgumentHelp("The UDP port; 0 for a free one.", valueName: "port"))
  var port: UInt16 = PerfRequest.port

  @Option(
    name: .long, help: ArgumentHelp("The local address, IPv4 or IPv6. (default: all of both)", valueName: "address"))
  var listen: String?

  @Option(
    help: ArgumentHelp(
      "I/O threads which share the port and its calls, at most \(RxLane.countMax).", valueName: "number"))
  var ioThreads = 1

  @Flag(help: "Compare received data with rxperf's pattern; a call with other data is aborted.")
  var verify = false

  @Flag(help: "With --verify: accept zeros too, which OpenAFS's client sends until it has received something.")
  var allowZeros = false

  @Flag(help: "Print what was served as JSON.")
  var json = false

  @OptionGroup var transport: TransportArguments

  func validate() throws {
    guard (1...RxLane.countMax).contains(ioThreads) else {
      throw ValidationError("--io-threads must be from 1 to \(RxLane.countMax).")
    }
    guard verify || !allowZeros else { throw ValidationError("--allow-zeros goes with --verify, and only there.") }
  }

  func run() async throws { try await RunFailure.reported(by: "rxperf") { try await serve() } }

  private func serve() async throws {
    TerminationSignals.catchThem()
    let address = try listen.map { try ServerName.address(of: $0, port: port) }
    let trace = try transport.openTrace()
    let rx = try transport.openTransport(address: address, port: port, threads: ioThreads, trace: trace)
    let service = PerfService(check: verify ? PerfCheck(allowsZeros: allowZeros) : nil) { text in
      complain(text, of: "rxperf")
    }
    rx.register(service)
    var place = address
    place?.port = rx.boundPort
    let greeting = "serving on " + (place.map { "\($0)" } ?? "port \(rx.boundPort)")
    // The result alone is for scripts.
    if json { complain(greeting, of: "rxperf") } else { print("rxperf: \(greeting)") }
    fflush(nil)
    await TerminationSignals.wait()
    await rx.shutDown()
    trace?.close()
    summarize(service.counts)
    if service.counts.corrupt > 0 { throw ExitCode(1) }
  }

  private func summarize(_ counts: PerfService.Counts) {
    let cpu = processTime()
    guard json else {
      return print(
        "rxperf: \(counts.calls) calls, \(counts.failures) failed, \(counts.bytesReceived) bytes received, "
          + "\(counts.bytesSent) sent, CPU \(PerfReport.number(Double(cpu.wholeNanoseconds) / 1e9)) s")
    }
    print(
      JSONValue.object([
        .init("calls", JSONValue(counts.calls)), .init("failures", JSONValue(counts.failures)),
        .init("corrupt", JSONValue(counts.corrupt)), .init("bytesReceived", JSONValue(counts.bytesReceived)),
        .init("bytesSent", JSONValue(counts.bytesSent)), .init("cpuNanoseconds", JSONValue(cpu.wholeNanoseconds)),
      ]).text())
  }
}
