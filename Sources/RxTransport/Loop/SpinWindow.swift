import AFSBase

/// How long a thread looks for news before it sleeps: as long as that has been worth it lately.
///
/// The rule is that of KVM's halt polling (Linux Documentation/virt/kvm/halt-polling.rst): a sleep that ended within
/// the limit would not have been one with a longer look, so that the window grows; a longer sleep closes it.
struct SpinWindow {
  private let limit: Duration
  private(set) var window: Duration = .zero

  /// KVM's halt_poll_ns_grow_start.
  private static let first: Duration = .microseconds(10)

  init(limit: Duration) { self.limit = limit }

  var isOpen: Bool { window > .zero }

  func end(from start: MonotonicTime) -> MonotonicTime { start + window }

  /// After a look in vain: how long the sleep took.
  mutating func slept(_ time: Duration) {
    if time > limit {
      window = .zero
    } else {
      window = min(max(window * 2, Self.first), limit)
    }
  }
}
