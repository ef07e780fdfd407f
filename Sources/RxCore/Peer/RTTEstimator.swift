/// Round-trip time and the retransmission timeout derived from it (RFC 6298).
struct RTTEstimator: Sendable {
  /// nil before the first sample.
  private(set) var smoothed: Duration?
  private(set) var variation: Duration = .zero
  private(set) var latest: Duration = .zero

  /// Timeout before any sample. RFC 6298 says 1 s; half of it costs at most one repeated packet on a slow path and
  /// halves the wait for a lost first packet.
  static let initialTimeout: Duration = .milliseconds(500)
  /// Lower bound of the timeout before allowances (OpenAFS src/rx/rx_globals.h, rx_minPeerTimeout).
  static let timeoutMin: Duration = .milliseconds(20)

  mutating func add(_ sample: Duration) {
    let sample = max(sample, .microseconds(1))
    latest = sample
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
      if sample < Self.initialTimeout / 2 { add(sample) }
      return
    }
    if sample < smoothed + variation { add(sample) }
  }

  /// When an acknowledgement sent at once should have come.
  var timeout: Duration {
    guard let smoothed else { return Self.initialTimeout }
    return max(smoothed + variation * 4, Self.timeoutMin)
  }

  /// When a first probe may go out for an acknowledgement that was asked for (the tail loss probe of RFC 8985 section
  /// 7.2): sooner than the timeout, since a probe in vain costs one packet only.
  var probeTimeout: Duration {
    guard let smoothed else { return Self.initialTimeout }
    return max(smoothed * 2, smoothed + variation * 4, Self.probeTimeoutMin)
  }

  /// Shorter waits would probe whenever a busy peer's thread waits for its turn.
  static let probeTimeoutMin: Duration = .milliseconds(5)

  /// How much later than its successors a packet may come before it counts as lost (RFC 9002 section 6.1.2).
  var reorderingTolerance: Duration {
    max(max(smoothed ?? Self.initialTimeout, latest) * 9 / 8, .milliseconds(1))
  }
}
