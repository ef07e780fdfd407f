import AFSBase
import Foundation
import RxCore
import RxTesting
import Testing

/// How fast a stream is in simulated time, by round trip, loss and the sender's window: a committed table, so that a
/// change of it shows in review (Docs/rx-throughput.txt). A line of 1 Gbit/s with a queue of 256 KiB; the time of the first packet counts too.
@Suite struct ThroughputTests {
  static let roundTripsMicroseconds = [100, 1000, 12_500, 50_000, 200_000]
  static let lossesPerMille = [0, 1, 10, 30]

  static var tableURL: URL {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Docs/rx-throughput.txt")
  }

  /// One cell's set-up.
  struct Set: Sendable {
    var window: Int
    var parallel: Int
    var algorithm = RxCongestionAlgorithm.cubic
    /// Bytes per second.
    var line = 125_000_000
    var queue = 1 << 18
    var byteCount = 2 << 20
  }

  /// Bytes per second that the reader of a reply sees, calls side by side taken together, and lost datagrams in a
  /// thousand.
  static func measure(_ set: Set, roundTrip: Int, lostPerMille: Int) -> (speed: Int, lostPerMille: Int)? {
    var conditions = NetworkConditions(delay: .microseconds(Int64(roundTrip / 2)))
    conditions.lostPerMille = lostPerMille
    conditions.bandwidth = set.line
    conditions.queueByteCountMax = set.queue
    let network = SimulatedNetwork(conditions: conditions, seed: 1)
    let source = StreamSource(byteCount: set.byteCount / set.parallel)
    let sink = StreamSink()
    var configuration = RxEndpointConfiguration()
    configuration.trustsAddresses = true
    configuration.greetingCallsMax = .max
    let client = network.addHost(
      TransferSimulation.clientAddress, configuration: configuration, seed: 2, behaviour: sink)
    configuration.transmitWindow = set.window
    configuration.congestionAlgorithm = set.algorithm
    let server = network.addHost(
      TransferSimulation.serverAddress, configuration: configuration, seed: 3, behaviour: source)
    server.endpoint.register(service: TransferSimulation.service)
    for _ in 0..<set.parallel { sink.begin(on: &client.endpoint, now: network.now) }
    guard network.run(limit: .seconds(3600), until: { sink.completed == set.parallel }) else { return nil }
    guard sink.received == set.byteCount / set.parallel * set.parallel else { return nil }
    return (
      sink.received * 1000 / max(1, Int(network.now.nanoseconds / 1_000_000)),
      network.datagramsLost * 1000 / network.datagramsSent
    )
  }

  /// What the window and the line allow, in bytes per second.
  static func limit(_ set: Set, roundTrip: Int) -> Int {
    min(set.line / 1444 * 1416, set.window * set.parallel * 1416 * 1_000_000 / roundTrip)
  }

  static let sets = [
    Set(window: 1024, parallel: 1), Set(window: 1024, parallel: 1, algorithm: .newReno), Set(window: 255, parallel: 1),
    Set(window: 255, parallel: 8), Set(window: 32, parallel: 1), Set(window: 32, parallel: 8),
  ]

  static func table() -> String {
    var lines: [String] = []
    for set in sets {
      lines.append(
        "kB/s, sender's window \(set.window), \(set.parallel) call\(set.parallel > 1 ? "s" : ""), \(set.algorithm)")
      lines.append(
        "rtt ms  " + lossesPerMille.map { column("loss \(Double($0) / 10)%") }.joined() + column("limit"))
      for roundTrip in roundTripsMicroseconds {
        let speeds = lossesPerMille.map { measure(set, roundTrip: roundTrip, lostPerMille: $0)?.speed }
        let name = "\(Double(roundTrip) / 1000)"
        lines.append(
          name + String(repeating: " ", count: 8 - name.count)
            + speeds.map { column($0.map { "\($0 / 1000)" } ?? "failed") }.joined()
            + column("\(limit(set, roundTrip: roundTrip) / 1000)"))
      }
      lines.append("")
    }
    return (lines + bottleneck()).joined(separator: "\n")
  }

  /// A line of 50 Mbit/s behind a finite queue, where the sender itself makes the losses: 4 MiB, window 1024.
  private static func bottleneck() -> [String] {
    var lines = [
      "kB/s and lost datagrams in a thousand, line of 50 Mbit/s (6129 kB/s of data), queue in bandwidth-delay products",
      "rtt ms  "
        + [("0.25", "newReno"), ("0.25", "cubic"), ("1", "newReno"), ("1", "cubic")].map {
          wide("\($0.1) \($0.0)")
        }.joined(),
    ]
    for roundTrip in [12_500, 50_000, 200_000] {
      let product = 6_250_000 / 1000 * roundTrip / 1000
      var cells = ""
      for queue in [product / 4, product] {
        for algorithm in [RxCongestionAlgorithm.newReno, .cubic] {
          let set = Set(
            window: 1024, parallel: 1, algorithm: algorithm, line: 6_250_000, queue: queue, byteCount: 4 << 20)
          let result = measure(set, roundTrip: roundTrip, lostPerMille: 0)
          cells += wide(result.map { "\($0.speed / 1000) / \($0.lostPerMille)" } ?? "failed")
        }
      }
      let name = "\(Double(roundTrip) / 1000)"
      lines.append(name + String(repeating: " ", count: 8 - name.count) + cells)
    }
    return lines + [""]
  }

  private static func wide(_ text: String) -> String { String(repeating: " ", count: 16 - text.count) + text }

  private static func column(_ text: String) -> String { String(repeating: " ", count: 12 - text.count) + text }

  @Test("The table of throughput is what was committed (set RX_RECORD=1 to write it anew)")
  func committed() throws {
    let table = Self.table()
    if ProcessInfo.processInfo.environment["RX_RECORD"] != nil {
      try table.write(to: Self.tableURL, atomically: true, encoding: .utf8)
    }
    let known = try String(contentsOf: Self.tableURL, encoding: .utf8)
    #expect(table == known)
  }
}

/// Answers each call with so many bytes.
private final class StreamSource: SimulatedBehaviour {
  private let byteCount: Int
  private var sent: [RxCallHandle: Int] = [:]
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 8)
  deinit { buffer.deallocate() }

  init(byteCount: Int) {
    self.byteCount = byteCount
    buffer.initializeMemory(as: UInt8.self, repeating: 7)
  }

  func received(_ event: RxEvent, on endpoint: inout RxEndpoint, now: MonotonicTime) {
    switch event {
    case .incoming(let call, _): sent[call] = 0
    case .readable(let call):
      guard endpoint.read(call, into: buffer, now: now).isAtEnd else { return }
      send(call, &endpoint, now)
    case .writable(let call): send(call, &endpoint, now)
    case .completed(let call, _):
      sent[call] = nil
      endpoint.release(call, now: now)
    }
  }

  private func send(_ call: RxCallHandle, _ endpoint: inout RxEndpoint, _ now: MonotonicTime) {
    while let position = sent[call], position < byteCount {
      let count = min(buffer.count, byteCount - position)
      let taken = endpoint.write(
        call, UnsafeRawBufferPointer(rebasing: buffer[..<count]), isLast: position + count == byteCount, now: now)
      sent[call] = position + taken
      if taken < count { return }
    }
  }
}

/// Counts what it receives.
private final class StreamSink: SimulatedBehaviour {
  private(set) var received = 0
  private(set) var completed = 0
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 8)
  deinit { buffer.deallocate() }

  func begin(on endpoint: inout RxEndpoint, now: MonotonicTime) {
    let call = endpoint.openCall(
      to: RxTarget(peer: TransferSimulation.serverAddress, service: TransferSimulation.service),
      options: RxCallOptions(), now: now)
    _ = endpoint.write(call, UnsafeRawBufferPointer(rebasing: buffer[..<16]), isLast: true, now: now)
  }

  func received(_ event: RxEvent, on endpoint: inout RxEndpoint, now: MonotonicTime) {
    while true {
      let count = endpoint.read(event.call, into: buffer, now: now).count
      if count == 0 { break }
      received += count
    }
    if case .completed(let call, let completion) = event {
      if completion == .success { completed += 1 }
      endpoint.release(call, now: now)
    }
  }
}
