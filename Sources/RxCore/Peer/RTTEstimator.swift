import AFSBase

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
    minimum = min(sample, known + (sample - known) / 128)
    guard let old = smoothed else {
      smoothed = sample
      variation = sample / 2
      return
    }
    let difference = old > sample ? old - sample : sample - old
    variation = variation * 3 / 4 + difference / 4
    smoothed = old * 7 / 8 + sample / 8
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
    return max(smoothed + variation * 4, timeoutMin)
  }

  /// When a first probe may go out for an acknowledgement that was asked for (the tail loss probe of RFC 8985 section
  /// 7.2): sooner than the timeout, since a probe in vain costs one packet only.
  var probeTimeout: Duration {
    guard let smoothed else { return initialTimeout }
    return max(smoothed * 2, smoothed + variation * 4, Self.probeTimeoutMin)
  }

  /// Shorter waits would probe whenever a busy peer's thread waits for its turn.
  static let probeTimeoutMin: Duration = .milliseconds(5)
}
