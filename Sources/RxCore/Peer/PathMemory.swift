import AFSBase

/// What calls found the path to a peer to carry: where the next one starts.
struct PathMemory: Sendable {
  /// What a call may begin with, or has found.
  struct Finding: Hashable {
    /// Packets under way.
    var window: Int
    /// The path carries about so much, and not just so much at least.
    var isLimit: Bool
  }

  /// Of all calls together.
  private var finding = Finding(window: 0, isLimit: false)
  private var notedAt: MonotonicTime?

  /// What a call has found after a loss, or at its end; `sharers` calls were under way.
  mutating func note(_ found: Finding, sharers: Int, now: MonotonicTime) {
    finding = Finding(window: found.window * max(sharers, 1), isLimit: found.isLimit)
    notedAt = now
  }

  /// Where one more call may start, `sharers` being under way; nil when nothing is known, or not any more.
  func start(sharers: Int, lifetime: Duration, now: MonotonicTime) -> Finding? {
    guard let notedAt, notedAt + lifetime > now else { return nil }
    return Finding(window: finding.window / (max(sharers, 0) + 1), isLimit: finding.isLimit)
  }
}
