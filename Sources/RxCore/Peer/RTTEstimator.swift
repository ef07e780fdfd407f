/// Round-trip time and the retransmission timeout derived from it (RFC 6298).
struct RTTEstimator: Sendable {
  /// nil before the first sample.
  private(set) var smoothed: Duration?
  private(set) var variation: Duration = .zero
  private(set) var latest: Duration = .zero
  /// The shortest of late: a path that became longer is believed in the end.
  private(set) var minimum: Duration?
  /// Timeout before any sample.
  private let initialTimeout: Duration
  /// Lower bound of the timeout before allowances.
  private let timeoutMin: Duration

  init(initialTimeout: Duration, timeoutMin: Duration) {
    self.initialTimeout = initialTimeout
    self.timeoutMin = timeoutMin
  }

  mutating func add(_ sample: Duration) {
    let sample = max(sample, .microseconds(1))
    latest = sample
    let known = minimum ?? sample
    minimum = min(sample, known + (sample - known).scaled(1, shift: 7))
    guard let old = smoothed else {
      smoothed = sample
      variation = sample.scaled(1, shift: 1)
      return
    }
    let difference = old > sample ? old - sample : sample - old
    variation = variation.scaled(3, shift: 2) + difference.scaled(1, shift: 2)
    smoothed = old.scaled(7, shift: 3) + sample.scaled(1, shift: 3)
  }

  /// A reply came so long after its request: an upper bound of the round trip, since the server's work is in it.
  mutating func addReplyTime(_ sample: Duration) {
    guard let smoothed else {
      if sample < initialTimeout / 2 { add(sample) }
      return
    }
    if sample < smoothed + variation { add(sample) }
  }

  /// When an acknowledgement sent at once should have come.
  var timeout: Duration {
    guard let smoothed else { return initialTimeout }
    return max(smoothed + variation.scaled(4, shift: 0), timeoutMin)
  }

  /// When a first probe may go out for an acknowledgement that was asked for (the tail loss probe of RFC 8985 section
  /// 7.2): sooner than the timeout, since a probe in vain costs one packet only.
  var probeTimeout: Duration {
    guard let smoothed else { return initialTimeout }
    return max(smoothed + smoothed, smoothed + variation.scaled(4, shift: 0), Self.probeTimeoutMin)
  }

  /// Shorter waits would probe whenever a busy peer's thread waits for its turn.
  static let probeTimeoutMin: Duration = .milliseconds(5)
}

extension Duration {
  /// This times `factor` by 2 to the power of `shift`. Done for every acknowledgement: the operators of `Duration` take any
  /// integer, and divide 128 bits.
  @inline(__always)
  func scaled(_ factor: Int128, shift: Int128) -> Duration {
    Duration(attoseconds: (attoseconds * factor) >> shift)
  }
}
