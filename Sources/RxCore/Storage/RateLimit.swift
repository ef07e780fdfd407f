import AFSBase

/// A token bucket: so many events in a time, with a burst of as many.
struct RateLimit {
  private let time: Int64
  /// Of one event.
  private let share: Int64
  private var emptyAt: Int64

  init(_ count: Int, per time: Duration, now: MonotonicTime) {
    self.time = Int64(time / .nanoseconds(1))
    share = self.time / Int64(count)
    emptyAt = now.nanoseconds &- self.time
  }

  init(perSecond count: Int, now: MonotonicTime) { self.init(count, per: .seconds(1), now: now) }

  /// Whether one more may happen now; counts it if so.
  mutating func admit(now: MonotonicTime) -> Bool {
    emptyAt = max(emptyAt, now.nanoseconds - time)
    guard emptyAt + share <= now.nanoseconds else { return false }
    emptyAt += share
    return true
  }
}
