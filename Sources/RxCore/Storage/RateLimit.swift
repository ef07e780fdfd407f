import AFSBase

/// A token bucket: so many events per second, with a burst of as many.
struct RateLimit {
  private let perSecond: Int64
  private var emptyAt: Int64

  init(perSecond: Int, now: MonotonicTime) {
    self.perSecond = Int64(perSecond)
    emptyAt = now.nanoseconds &- 1_000_000_000
  }

  /// Whether one more may happen now; counts it if so.
  mutating func admit(now: MonotonicTime) -> Bool {
    emptyAt = max(emptyAt, now.nanoseconds - 1_000_000_000)
    guard emptyAt + 1_000_000_000 / perSecond <= now.nanoseconds else { return false }
    emptyAt += 1_000_000_000 / perSecond
    return true
  }
}
