import AFSBase

/// What calls found the path to a peer to carry: where the next one starts.
struct PathMemory: Sendable {
  /// Packets under way of all calls together.
  private var window = 0
  private var notedAt: MonotonicTime?

  /// A call's window after a loss, or at its end; `sharers` calls were under way.
  mutating func note(_ window: Int, sharers: Int, now: MonotonicTime) {
    self.window = window * max(sharers, 1)
    notedAt = now
  }

  /// Where one more call may start, `sharers` being under way; nil when nothing is known, or not any more.
  func start(sharers: Int, lifetime: Duration, now: MonotonicTime) -> Int? {
    guard let notedAt, notedAt + lifetime > now else { return nil }
    return window / (max(sharers, 0) + 1)
  }
}
