import AFSBase

/// How many packets may be under way: slow start, congestion avoidance and recovery, counted in packets.
///
/// Slow start ends at the first loss, or before the bottleneck's queue overflows if the round trips show it filling
/// (`SlowStartRounds`). How the window grows afterwards, and how far a loss brings it down, is the `Algorithm`'s.
/// Losses of one flight count once (recovery periods, RFC 9002 section 7.3.2); what proves to have been no loss is
/// taken back (`undo`).
struct CongestionControl: BitwiseCopyable {
  /// Packets that may be under way.
  private(set) var window: Int
  private var slowStartThreshold: Int
  private let windowMax: Int
  private var avoidance: CongestionAvoidance
  private var rounds = SlowStartRounds()
  /// The window kept packets back when this and earlier ones were under way.
  private var limitedUntil = TransmitOrder(0)
  /// The window is what acks or losses made of it.
  private var hasLearnt = false
  /// Losses of packets sent before it belong to the congestion already answered.
  private var recoveryEnd: TransmitOrder?
  /// What to go back to if all losses of the latest recovery prove to have been none, and how many there were.
  private var former: (window: Int, slowStartThreshold: Int, avoidance: CongestionAvoidance, losses: Int)?

  /// RFC 6928.
  static let initialWindow = 10
  static let windowMin = 2

  /// - Parameter known: what earlier calls to the peer found the path to carry.
  init(algorithm: RxCongestionAlgorithm, startingAt known: PathMemory.Finding?, windowMax: Int) {
    self.windowMax = windowMax
    avoidance = CongestionAvoidance(algorithm)
    window = min(windowMax, max(Self.initialWindow, known?.window ?? 0))
    slowStartThreshold = windowMax
    if let known, known.isLimit { slowStartThreshold = window }
  }

  /// For the calls after this one; nil when it was too small to find out anything.
  var finding: PathMemory.Finding? {
    hasLearnt ? PathMemory.Finding(window: window, isLimit: slowStartThreshold < windowMax) : nil
  }

  /// Before an ack is taken in: the window, and not the peer's, keeps packets back, `latest` being the latest
  /// transmission.
  ///
  /// Acks often come several at a time: after the first one the window is not full any more, but the others are for
  /// packets of the same full window.
  mutating func limited(until latest: TransmitOrder) { limitedUntil = latest }

  var isInSlowStart: Bool { window < slowStartThreshold }

  /// What an acknowledgement says to the congestion control.
  struct Arrival {
    /// Packets acknowledged for the first time.
    var count: Int
    /// The latest transmission that has arrived, and the latest of all.
    var largest: TransmitOrder
    var latest: TransmitOrder
    /// A round trip measured by this ack.
    var roundTrip: Duration?
    /// The smoothed one.
    var smoothed: Duration
  }

  mutating func acknowledged(_ arrival: Arrival, now: MonotonicTime) {
    if let end = recoveryEnd {
      guard arrival.largest > end else { return }
      recoveryEnd = nil
    }
    // What our window did not keep back says nothing about a larger one.
    guard arrival.largest <= limitedUntil, window < windowMax else {
      avoidance.paused()
      return
    }
    hasLearnt = true
    if isInSlowStart {
      let growth = rounds.growth(for: arrival)
      window = min(windowMax, max(slowStartThreshold, window), window + growth)
      if rounds.isOver { slowStartThreshold = window }
    } else {
      window = min(windowMax, avoidance.grown(window, by: arrival, now: now))
    }
  }

  /// Packets were lost, the latest of them transmitted as `lost`; `latest` is the latest transmission of all.
  /// - Returns: whether a recovery period begins: its first packet is sent whatever the window says.
  mutating func lost(_ count: Int, _ lost: TransmitOrder, latest: TransmitOrder) -> Bool {
    if let end = recoveryEnd, lost <= end {
      former?.losses += count
      return false
    }
    former = (window, slowStartThreshold, avoidance, count)
    hasLearnt = true
    recoveryEnd = latest
    reduce()
    window = slowStartThreshold
    return true
  }

  /// Packets taken for lost in the latest recovery had only been late. When all were, nothing was lost.
  mutating func sawSpurious(_ count: Int) {
    guard let before = former else { return }
    guard before.losses <= count else {
      former?.losses -= count
      return
    }
    window = max(window, before.window)
    slowStartThreshold = before.slowStartThreshold
    avoidance = before.avoidance
    recoveryEnd = nil
    former = nil
  }

  /// Nothing came back at all, repeatedly.
  mutating func collapsed(latest: TransmitOrder) {
    former = nil
    hasLearnt = true
    recoveryEnd = latest
    reduce()
    window = Self.windowMin
  }

  /// Nothing has been under way for longer than a timeout: the window may not fit the path any more (RFC 5681 section
  /// 4.1; the threshold stays, so that it is soon there again).
  mutating func restarted() {
    slowStartThreshold = max(slowStartThreshold, window * 3 / 4)
    window = min(window, Self.initialWindow)
    hasLearnt = false
    rounds = SlowStartRounds()
    avoidance.paused()
  }

  private mutating func reduce() {
    slowStartThreshold = max(avoidance.reduced(window), Self.windowMin)
    rounds = SlowStartRounds()
  }
}
