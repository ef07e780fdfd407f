import AFSBase

/// Slow start round by round, watching whether round trips grow: HyStart++ (RFC 9406, whose constants these are).
///
/// When a queue builds up, growth goes on at a quarter of its speed for five rounds; if the round trip shrinks again
/// meanwhile, that was a mistake.
struct SlowStartRounds: BitwiseCopyable {
  private var roundEnd = TransmitOrder(0)
  private var lastMinimum: Duration?
  private var minimum: Duration?
  private var samples = 0
  /// The round trip at which growth was slowed down, and the rounds since then.
  private var baseline: Duration?
  private var cautiousRounds = 0
  /// Acknowledged packets not yet turned into slower growth.
  private var credit = 0

  private static let samplesMin = 8
  private static let cautiousRoundsMax = 5
  private static let divisor = 4

  /// The queue has been growing for long enough.
  var isOver: Bool { cautiousRounds >= Self.cautiousRoundsMax }

  /// Packets to add to the window.
  mutating func growth(for arrival: CongestionControl.Arrival) -> Int {
    if arrival.largest >= roundEnd { beginRound(arrival.latest) }
    if let sample = arrival.roundTrip { note(sample) }
    guard baseline != nil else { return arrival.count }
    credit += arrival.count
    defer { credit %= Self.divisor }
    return credit / Self.divisor
  }

  private mutating func beginRound(_ latest: TransmitOrder) {
    roundEnd = latest
    if baseline != nil { cautiousRounds += 1 }
    lastMinimum = minimum
    minimum = nil
    samples = 0
  }

  private mutating func note(_ sample: Duration) {
    minimum = Swift.min(minimum ?? sample, sample)
    samples += 1
    guard samples >= Self.samplesMin, let minimum, let lastMinimum else { return }
    if let baseline {
      if minimum < baseline {
        self.baseline = nil
        cautiousRounds = 0
      }
    } else if minimum >= lastMinimum + Self.threshold(lastMinimum) {
      baseline = minimum
    }
  }

  /// How much longer a round trip must be: an eighth, between 4 and 16 ms.
  private static func threshold(_ roundTrip: Duration) -> Duration {
    Swift.min(Swift.max(roundTrip / 8, .milliseconds(4)), .milliseconds(16))
  }
}
