import AFSBase

/// How long a packet which others overtook is waited for before it counts as lost: that of RACK (RFC 8985 section 6.2,
/// steps 3 and 4), kept per peer.
///
/// Where nothing was ever reordered, three successors prove a loss. Where it was, time decides: the round trip and a
/// quarter of the shortest, and as many quarters more as packets proved not to have been lost after all.
struct ReorderingTolerance: Sendable {
  private(set) var hasSeenReordering = false
  private var quarters = 1
  /// Recoveries until a tolerance grown larger is forgotten.
  private var recoveriesLeft = Self.recoveriesKept

  /// RFC 8985 section 6.2, step 4.
  private static let recoveriesKept = 16
  private static let quartersMax = 64
  /// RFC 8985, DupThresh.
  private static let packetThreshold = 3
  /// Shorter times are less than what a busy thread lets pass between two packets.
  private static let timeMin: Duration = .milliseconds(1)

  /// Successors which must have arrived for a packet to count as lost; nil where only time decides.
  var packetThreshold: Int? { hasSeenReordering ? nil : Self.packetThreshold }

  /// A packet sent once arrived after one sent later.
  mutating func sawReordering() { hasSeenReordering = true }

  /// A packet sent again for lost had arrived.
  mutating func sawSpurious() {
    hasSeenReordering = true
    quarters = min(quarters + 1, Self.quartersMax)
    recoveriesLeft = Self.recoveriesKept
  }

  /// A recovery from real losses began.
  mutating func recovered() {
    guard quarters > 1 || hasSeenReordering else { return }
    recoveriesLeft -= 1
    if recoveriesLeft <= 0 { self = ReorderingTolerance() }
  }

  /// Time after its transmission at which a packet counts as lost once a later one has arrived.
  func deadline(_ rtt: RTTEstimator) -> Duration {
    let smoothed = rtt.smoothed ?? rtt.timeout
    let window = min((rtt.minimum ?? smoothed) * quarters / 4, smoothed)
    return max(smoothed, rtt.latest) + max(window, Self.timeMin)
  }
}
