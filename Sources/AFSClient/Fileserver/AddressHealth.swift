package import AFSBase
package import RxCore

/// What is known of one address of a fileserver: a value that calls and probes feed.
package struct AddressHealth: Hashable, Sendable {
  package let address: RxAddress
  /// Estimate of the time that a small call takes; nil until one has been answered.
  package private(set) var roundTrip: Duration?
  /// A call was answered since it became known.
  package private(set) var hasAnswered = false
  /// Since when it has not answered; nil while it does, or before the first try.
  package private(set) var downSince: MonotonicTime?
  /// The network said that nobody listens there: a server that is restarting, most likely, which was here before.
  package private(set) var isRefusing = false
  /// When the last call or probe at it ended.
  package private(set) var lastTried: MonotonicTime?

  package init(_ address: RxAddress) {
    self.address = address
  }

  package var isDown: Bool { downSince != nil }

  /// How often an address that does not answer is probed (OpenAFS: every 3 minutes, src/afs/afs_daemons.c; kAFS: 30 s,
  /// fs/afs/fs_probe.c; users notice sooner).
  package static let probeIntervalDown = Duration.seconds(10)
  /// How long an address that answers may go unused without a probe. Keeps a path through address translators open and
  /// makes it known soon that the server has forgotten us (kAFS: 5 minutes).
  package static let probeIntervalUp = Duration.seconds(240)

  /// A call was answered, by a result or an abort.
  ///
  /// Calls may have waited at the server, so that the shortest count most: a shorter time is believed by half, a longer
  /// one by a thirty-second.
  /// - Parameter duration: nil for calls which moved bulk data: their time says how much, not how far.
  package mutating func answered(after duration: Duration?, now: MonotonicTime) {
    hasAnswered = true
    downSince = nil
    isRefusing = false
    lastTried = now
    guard let duration else { return }
    guard let known = roundTrip else {
      roundTrip = duration
      return
    }
    roundTrip = duration < known ? (known + duration) / 2 : known + min(duration - known, known) / 32
  }

  /// No sign of life, or the network refused.
  package mutating func failedToAnswer(refused: Bool, now: MonotonicTime) {
    lastTried = now
    isRefusing = refused
    if downSince == nil { downSince = now }
  }

  /// Addresses which were never tried are not probed: an operation will.
  package func isProbeDue(now: MonotonicTime) -> Bool {
    guard let lastTried else { return false }
    return now - lastTried >= (isDown ? Self.probeIntervalDown : Self.probeIntervalUp)
  }
}
