/// How many packets may be under way: slow start, congestion avoidance and recovery (RFC 5681 with the recovery
/// periods of RFC 9002 section 7), counted in packets.
struct CongestionControl: BitwiseCopyable {
  /// Packets that may be under way.
  private(set) var window: Int
  private var slowStartThreshold: Int
  private let windowMax: Int
  /// Acknowledged packets not yet turned into growth (congestion avoidance).
  private var credit = 0
  /// Losses of packets sent before it belong to the congestion already answered.
  private var recoveryEnd: TransmitOrder?

  /// RFC 6928.
  static let initialWindow = 10
  static let windowMin = 2

  init(startingAt known: Int?, windowMax: Int) {
    self.windowMax = windowMax
    window = min(windowMax, max(Self.initialWindow, known ?? 0))
    slowStartThreshold = known.map { max($0, Self.initialWindow) } ?? windowMax
  }

  /// - Parameter wasLimiting: the window (ours, not the peer's) kept packets back; else growing it means nothing.
  mutating func acknowledged(_ count: Int, largest: TransmitOrder, wasLimiting: Bool) {
    if let end = recoveryEnd {
      guard largest > end else { return }
      recoveryEnd = nil
    }
    guard wasLimiting, window < windowMax else { return }
    if window < slowStartThreshold {
      window = min(windowMax, window + count)
    } else {
      credit += count
      if credit >= window {
        credit -= window
        window += 1
      }
    }
  }

  /// Packets were lost, the latest of them transmitted as `lost`; `latest` is the latest transmission of all.
  /// - Returns: whether a recovery period begins: its first packet is sent whatever the window says.
  mutating func lost(_ lost: TransmitOrder, latest: TransmitOrder) -> Bool {
    if let end = recoveryEnd, lost <= end { return false }
    recoveryEnd = latest
    slowStartThreshold = max(window / 2, Self.windowMin)
    window = slowStartThreshold
    credit = 0
    return true
  }

  /// Nothing came back at all, repeatedly.
  mutating func collapsed(latest: TransmitOrder) {
    recoveryEnd = latest
    slowStartThreshold = max(window / 2, Self.windowMin)
    window = Self.windowMin
    credit = 0
  }
}
