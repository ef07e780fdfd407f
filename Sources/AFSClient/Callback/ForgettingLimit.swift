package import AFSBase

/// How often a server's word that it has forgotten its promises is acted upon: a value.
///
/// Anybody can send such words, and each costs a question for every file that is used next. Beyond a burst they are put
/// off, never dropped: believing a promise for some seconds too long is the price.
package struct ForgettingLimit: Sendable, Hashable {
  /// So many at once.
  private let burst: Int
  /// After which one more is allowed.
  private let interval: Duration
  private var allowance: Int
  private var refilled: MonotonicTime?
  /// One was put off.
  package private(set) var isPending = false

  package init(burst: Int, interval: Duration) {
    self.burst = burst
    self.interval = interval
    allowance = burst
  }

  /// For a server at an address of its own: it says so when it meets us, and after a restart.
  package static let known = ForgettingLimit(burst: 10, interval: .seconds(1))
  /// For whoever calls from an address that no server is known by.
  package static let unknown = ForgettingLimit(burst: 1, interval: .seconds(30))

  /// - Returns: whether to act now; else `due` will tell.
  package mutating func asked(now: MonotonicTime) -> Bool {
    refill(now: now)
    guard allowance > 0 else {
      isPending = true
      return false
    }
    allowance -= 1
    isPending = false
    return true
  }

  /// What was put off is to be done now.
  package mutating func due(now: MonotonicTime) -> Bool {
    isPending && asked(now: now)
  }

  private mutating func refill(now: MonotonicTime) {
    guard let last = refilled, allowance < burst else {
      refilled = now
      return
    }
    let count = Int(clamping: (now - last).wholeNanoseconds / interval.wholeNanoseconds)
    guard count > 0 else { return }
    allowance = min(burst, allowance + count)
    refilled = now
  }
}
