import AFSBase

/// How long a thread looks for news before it sleeps: as long as that has been worth it lately.
///
/// The rule is that of KVM's halt polling (Linux Documentation/virt/kvm/halt-polling.rst): a sleep that ended within
/// the limit would not have been one with a longer look, so that the window grows; a longer sleep closes it.
///
/// Where others want the processor, looking takes it from them, from the peer perhaps: a look in which another thread
/// ran for a while closes the window for a time.
struct SpinWindow {
  private let limit: Duration
  private(set) var window: Duration = .zero

  /// KVM's halt_poll_ns_grow_start.
  private static let first: Duration = .microseconds(10)

  /// A gap in a look that is longer than this was another thread's turn: the scheduler gives them a millisecond or more,
  /// and what the look itself does takes some microseconds.
  static let gapMax: Duration = .microseconds(500)
  /// How long the window stays closed then: a lost turn in each such time costs a few percent.
  private static let closedTime: Duration = .milliseconds(50)
  private var closedUntil = MonotonicTime.zero

  init(limit: Duration) { self.limit = limit }

  /// Whether there is a window at all: spares a question for the time.
  var mayOpen: Bool { window > .zero }

  func isOpen(now: MonotonicTime) -> Bool { window > .zero && now >= closedUntil }

  func end(from start: MonotonicTime) -> MonotonicTime { start + window }

  /// After a look in vain: how long the sleep took.
  mutating func slept(_ time: Duration) {
    if time > limit {
      window = .zero
    } else {
      window = min(max(window * 2, Self.first), limit)
    }
  }

  /// Another thread ran while this one looked.
  mutating func wasInterrupted(now: MonotonicTime) {
    closedUntil = now + Self.closedTime
  }
}
