import AFSBase
import AFSControl
import AFSTypes
import ArgumentParser
import Glibc
import ProgramEnd
import RxCore
import RxTransport

extension PerfOperation: ExpressibleByArgument {}

/// `rxperf client`: makes calls and says how fast they were.
struct ClientCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "client", abstract: "Makes calls to an rxperf server and says how fast they were.",
    discussion: "The letters are those of OpenAFS's rxperf.")

  private static let bulkBytes = 1 << 20
  /// Those of OpenAFS rxperf.c.
  private static let (rpcSendBytes, rpcReceiveBytes) = (3, 30)
  private static let callersMax = 1024

  @Option(name: [.customShort("c"), .long], help: "What the calls do.")
  var command: PerfOperation

  @Option(name: .shortAndLong, help: ArgumentHelp("The server's name or address.", valueName: "host"))
  var server = "127.0.0.1"

  @Option(name: .shortAndLong, help: ArgumentHelp("The server's UDP port.", valueName: "port"))
  var port: UInt16 = PerfRequest.port

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Bytes of a send or recv call, below 2 GiB. (default: \(Self.bulkBytes))", valueName: "bytes"))
  var bytes: Int?

  @Option(
    name: [.customShort("S"), .long],
    help: ArgumentHelp(
      "Bytes which an rpc call sends, below 2 GiB. (default: \(Self.rpcSendBytes))", valueName: "bytes"))
  var sendBytes: Int?

  @Option(
    name: [.customShort("R"), .long],
    help: ArgumentHelp(
      "Bytes which an rpc call receives, below 2 GiB. (default: \(Self.rpcReceiveBytes))", valueName: "bytes"))
  var receiveBytes: Int?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "For 'file': lengths in units of four bytes, a line each; an empty line turns from sending to receiving.",
      valueName: "file"), completion: .file())
  var file: String?

  @Option(name: [.customShort("T"), .long], help: ArgumentHelp("Calls that each caller makes.", valueName: "number"))
  var times = 100

  @Option(
    name: [.customShort("t"), .long],
    help: ArgumentHelp("Callers at once, at most \(Self.callersMax).", valueName: "number"))
  var threads = 1

  @Option(
    help: ArgumentHelp(
      "I/O threads, each with a UDP port of its own, which share the callers; at most \(RxLane.countMax).",
      valueName: "number"))
  var ioThreads = 1

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Bytes that are read at a time, on both sides, at most 512 KiB.", valueName: "bytes"))
  var readSize = PerfRequest.pieceMax

  @Option(
    name: [.customShort("w"), .long],
    help: ArgumentHelp("Bytes that are written at a time, on both sides, at most 512 KiB.", valueName: "bytes"))
  var writeSize = PerfRequest.pieceMax

  @Flag(help: "Compare what is received with what an rxperf server of ours, or a primed one of OpenAFS, sends.")
  var verify = false

  @Flag(help: "With --verify: first send OpenAFS's server the pattern that it then returns.")
  var prime = false

  @Option(help: ArgumentHelp("Give up a call after this time.", valueName: "seconds"))
  var timeout: Int?

  @Flag(help: "Print the result as JSON.")
  var json = false

  @OptionGroup var transport: TransportArguments

  func validate() throws {
    let piece = 1...PerfRequest.pieceMax
    guard piece.contains(readSize), piece.contains(writeSize) else {
      throw ValidationError("-r and -w must be from 1 to \(PerfRequest.pieceMax).")
    }
    for (name, value) in [("-b", bytes), ("-S", sendBytes), ("-R", receiveBytes)] {
      guard (0...Int(Int32.max)).contains(value ?? 0) else { throw ValidationError("\(name) must be below 2 GiB.") }
    }
    guard port != 0 else { throw ValidationError("-p must be from 1 to 65535.") }
    guard (1...Self.callersMax).contains(threads) else {
      throw ValidationError("-t must be from 1 to \(Self.callersMax).")
    }
    guard (1...RxLane.countMax).contains(ioThreads) else {
      throw ValidationError("--io-threads must be from 1 to \(RxLane.countMax).")
    }
    guard times > 0 else { throw ValidationError("-T must be at least 1.") }
    guard (command == .file) == (file != nil) else { throw ValidationError("-f goes with '-c file', and only there.") }
    guard timeout.map({ $0 > 0 }) ?? true else { throw ValidationError("--timeout must be at least 1.") }
    try refuseIdleOptions()
  }

  /// What would have no effect was meant to have one.
  private func refuseIdleOptions() throws {
    guard bytes == nil || command == .send || command == .recv else {
      throw ValidationError("-b goes with '-c send' and '-c recv'\(command == .rpc ? "; rpc has -S and -R" : "").")
    }
    guard sendBytes == nil && receiveBytes == nil || command == .rpc else {
      throw ValidationError("-S and -R go with '-c rpc', and only there.")
    }
    guard verify || !prime else { throw ValidationError("--prime goes with --verify, and only there.") }
  }

  func run() async throws { try await RunFailure.reported(by: "rxperf") { try await callServer() } }

  private func callServer() async throws {
    TerminationSignals.catchThem()
    let address = try ServerName.address(of: server, port: port)
    let request = try makeRequest()
    let trace = try transport.openTrace()
    let clients = try (0..<min(ioThreads, threads)).map { _ in
      PerfClient(
        transport: try transport.openTransport(address: nil, port: 0, trace: trace),
        target: RxTarget(peer: address, service: ServiceID(PerfRequest.service)),
        options: RxCallOptions(deadline: timeout.map { .seconds($0) }), request: request,
        check: verify ? PerfCheck(allowsZeros: false) : nil)
    }
    defer { trace?.close() }
    let work = Task { [prime] in
      if prime { try await Self.prime(clients[0]) }
      return try await measure(clients)
    }
    let signal = Task {
      let number = await TerminationSignals.wait()
      work.cancel()
      return number
    }
    do {
      var report = try await work.value
      report.isInterrupted = work.isCancelled
      print(json ? report.json.text() : report.text)
    } catch let error as RxCallError {
      throw RunFailure("call to \(address) failed: \(error)")
    } catch let error as PerfError {
      throw RunFailure("\(address): \(error)")
    }
    for client in clients { await client.transport.shutDown() }
    if work.isCancelled {
      trace?.close()
      TerminationSignals.end(by: await signal.value)
    }
  }

  private func makeRequest() throws -> PerfRequest {
    switch command {
    case .send:
      return PerfRequest(.send, sendBytes: bytes ?? Self.bulkBytes, readSize: readSize, writeSize: writeSize)
    case .recv:
      return PerfRequest(.recv, receiveBytes: bytes ?? Self.bulkBytes, readSize: readSize, writeSize: writeSize)
    case .rpc:
      return PerfRequest(
        .rpc, sendBytes: sendBytes ?? Self.rpcSendBytes, receiveBytes: receiveBytes ?? Self.rpcReceiveBytes,
        readSize: readSize, writeSize: writeSize)
    case .file:
      do throws(PerfError) {
        return try PerfRequest(entries: try LengthList.read(file ?? ""), readSize: readSize, writeSize: writeSize)
      } catch {
        throw RunFailure(error.description)
      }
    }
  }

  /// Fills the buffer of OpenAFS's server with the pattern.
  private static func prime(_ client: PerfClient) async throws {
    let primer = PerfClient(
      transport: client.transport, target: client.target, options: client.options,
      request: PerfRequest(.send, sendBytes: PerfPattern.period), check: nil)
    _ = try await primer.run(times: 1)
  }

  private func measure(_ clients: [PerfClient]) async throws -> PerfReport {
    let timer = clients[0].transport.timer
    let (start, cpu) = (timer.now, processTime())
    let tally = try await withThrowingTaskGroup(of: PerfClient.Tally.self) { [threads, times] callers in
      for number in 0..<threads {
        let client = clients[number % clients.count]
        callers.addTask(executorPreference: client.transport.executor) { try await client.run(times: times) }
      }
      return try await callers.reduce(into: PerfClient.Tally()) { $0.add($1) }
    }
    return PerfReport(
      operation: command, callers: threads, ioThreads: clients.count,
      verification: PerfReport.Verification(of: clients[0].request, isWanted: verify), tally: tally,
      elapsed: timer.now - start, cpu: processTime() - cpu)
  }
}
