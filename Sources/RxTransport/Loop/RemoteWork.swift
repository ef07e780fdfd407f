import Synchronization

/// What other threads want done on an I/O thread, and whether that thread must be woken for it.
///
/// The lock is held for an append or a swap only, never around a system call.
final class RemoteWork: Sendable {
  /// One piece of work on a loop.
  enum Item: Sendable {
    case job(UnownedJob)
    case closure(@Sendable () -> Void)
  }

  /// What the caller of `add` has to do.
  enum OnAdd {
    case nothing
    /// The thread sleeps: write to its eventfd.
    case wake
    /// The thread has ended and will not take the work.
    case refused
  }

  private struct State {
    var items: [Item] = []
    var isAsleep = false
    var mustEnd = false
    var hasEnded = false
  }

  private let state = Mutex(State())
  /// Whether items wait; asked without the lock in every turn.
  private let isPending = Atomic(false)

  var mayHaveItems: Bool { isPending.load(ordering: .acquiring) }

  func add(_ item: Item) -> OnAdd {
    state.withLock { state in
      guard !state.hasEnded else { return .refused }
      state.items.append(item)
      isPending.store(true, ordering: .releasing)
      return wakeIfAsleep(&state)
    }
  }

  /// Asks the thread to end once nothing is left to do.
  func end() -> OnAdd {
    state.withLock { state in
      state.mustEnd = true
      return wakeIfAsleep(&state)
    }
  }

  private func wakeIfAsleep(_ state: inout State) -> OnAdd {
    guard state.isAsleep else { return .nothing }
    state.isAsleep = false
    return .wake
  }

  /// Moves the items out, keeping `items`' storage for the next ones.
  func take(into items: inout [Item]) {
    state.withLock { state in
      swap(&state.items, &items)
      isPending.store(false, ordering: .relaxed)
    }
  }

  /// What the thread may do when it has nothing to do.
  enum OnIdle { case sleep, work, end }

  func becomeIdle() -> OnIdle {
    state.withLock { state in
      if !state.items.isEmpty { return .work }
      if state.mustEnd {
        state.hasEnded = true
        return .end
      }
      state.isAsleep = true
      return .sleep
    }
  }

  func becomeBusy() {
    state.withLock { $0.isAsleep = false }
  }
}
