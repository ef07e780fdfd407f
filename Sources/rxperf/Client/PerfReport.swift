import AFSBase
import AFSControl

/// The result of a client's run, for people and for scripts.
struct PerfReport: Sendable {
  var operation: PerfOperation
  var callers: Int
  var ioThreads: Int
  var verification: Verification
  var tally: PerfClient.Tally
  var elapsed: Duration
  /// User and system time of this process during the run.
  var cpu: Duration
  /// Somebody ended the run early: what was measured until then.
  var isInterrupted = false

  /// What the client has compared with the pattern.
  enum Verification: Sendable {
    case notWanted
    /// There was no data to compare here.
    case impossible
    /// All that was received; what was sent is the server's to compare.
    case received
    /// All data of the calls.
    case all

    init(of request: PerfRequest, isWanted: Bool) {
      switch (isWanted, request.receiveBytes > 0, request.sendBytes > 0) {
      case (false, _, _): self = .notWanted
      case (true, false, _): self = .impossible
      case (true, true, true): self = .received
      case (true, true, false): self = .all
      }
    }

    var text: String {
      switch self {
      case .notWanted: ""
      case .impossible: ", not verified here (a server with --verify does)"
      case .received: ", received data verified"
      case .all: ", verified"
      }
    }

    /// Whether all that came here was compared, and something came.
    var isDone: Bool {
      switch self {
      case .notWanted, .impossible: false
      case .received, .all: true
      }
    }
  }

  private var seconds: Double { Double(elapsed.wholeNanoseconds) / 1e9 }
  private var megabytes: Double { Double(tally.bytes) / 1e6 }

  var text: String {
    let rate = seconds > 0 ? megabytes / seconds : 0
    let calls = seconds > 0 ? Double(tally.calls) / seconds : 0
    var lines = [
      "\(operation.rawValue.uppercased()): \(callers) at once, \(tally.calls) calls, \(tally.bytes) bytes"
        + (tally.calls > 0 ? verification.text : "") + (isInterrupted ? ", interrupted" : ""),
      "  time      \(Self.number(seconds)) s, CPU \(Self.number(Double(cpu.wholeNanoseconds) / 1e9)) s",
      "  rate      \(Self.number(rate)) MB/s, \(Self.number(rate * 8)) Mbit/s, \(Self.number(calls)) calls/s",
      "  latency   mean \(Self.micro(tally.latency.mean)), "
        + percentiles.map { "\($0.name) \(Self.micro($0.value))" }.joined(separator: ", "),
    ]
    if tally.bytes > 0 {
      lines.append("  CPU/MB    \(Self.number(Double(cpu.wholeNanoseconds) / 1e6 / max(megabytes, 1e-9))) ms")
    }
    return lines.joined(separator: "\n")
  }

  private var percentiles: [(name: String, value: Duration)] {
    [
      ("p50", tally.latency.percentile(0.5)), ("p90", tally.latency.percentile(0.9)),
      ("p99", tally.latency.percentile(0.99)), ("p99.9", tally.latency.percentile(0.999)),
      ("max", tally.latency.longest),
    ]
  }

  /// Whole numbers only: nanoseconds, bytes, calls.
  var json: JSONValue {
    .object([
      .init("operation", .string(operation.rawValue)), .init("callers", JSONValue(callers)),
      .init("ioThreads", JSONValue(ioThreads)), .init("verified", .bool(verification.isDone && tally.calls > 0)),
      .init("interrupted", .bool(isInterrupted)),
      .init("calls", JSONValue(tally.calls)), .init("bytes", JSONValue(tally.bytes)),
      .init("elapsedNanoseconds", JSONValue(elapsed.wholeNanoseconds)),
      .init("cpuNanoseconds", JSONValue(cpu.wholeNanoseconds)),
      .init(
        "bytesPerSecond", JSONValue(seconds > 0 ? Int64(Double(tally.bytes) / seconds) : 0)),
      .init("callsPerSecond", JSONValue(seconds > 0 ? Int64(Double(tally.calls) / seconds) : 0)),
      .init(
        "latencyNanoseconds",
        .object(
          [.init("mean", JSONValue(tally.latency.mean.wholeNanoseconds))]
            + percentiles.map { .init($0.name, JSONValue($0.value.wholeNanoseconds)) })),
    ])
  }

  /// Three significant digits, without an exponent.
  static func number(_ value: Double) -> String {
    let digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int64((value * scale).rounded())
    guard digits > 0 else { return String(scaled) }
    let fraction = String(scaled % Int64(scale))
    return "\(scaled / Int64(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
  }

  static func micro(_ duration: Duration) -> String {
    let microseconds = Double(duration.wholeNanoseconds) / 1000
    return microseconds >= 10000 ? number(microseconds / 1000) + " ms" : number(microseconds) + " us"
  }
}
