import Synchronization

/// What other threads want done on an I/O thread, whether that thread must be woken for it, and whose turn it is: the
/// thread's own, or that of a visitor who does the work while the thread sleeps.
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

  /// Who may touch what lives on the loop.
  private enum Owner {
    case thread
    /// The thread sleeps, or is about to; whoever comes first has the loop.
    case nobody
    /// The thread sleeps.
    case visitor
    /// The thread has been woken by something else than the visitor, and waits for the visitor to leave.
    case visitorInHaste
  }

  private struct State {
    var items: [Item] = []
    var owner = Owner.thread
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
    guard case .nobody = state.owner else { return .nothing }
    state.owner = .thread
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
      state.owner = .nobody
      return .sleep
    }
  }

  /// After the thread's sleep.
  /// - Returns: false while a visitor has the loop; the thread is woken once more when he leaves.
  func becomeBusy() -> Bool {
    state.withLock { state in
      switch state.owner {
      case .thread, .nobody:
        state.owner = .thread
        return true
      case .visitor, .visitorInHaste:
        state.owner = .visitorInHaste
        return false
      }
    }
  }

  // MARK: Visits

  /// - Returns: whether the loop is the caller's now, until it is given back by `endVisit`.
  func beginVisit() -> Bool {
    state.withLock { state in
      guard case .nobody = state.owner, !state.mustEnd else { return false }
      state.owner = .visitor
      return true
    }
  }

  /// Gives the loop back.
  ///
  /// - Parameter hasMore: the visitor leaves work behind.
  /// - Returns: whether the thread must be woken to go on.
  func endVisit(hasMore: Bool) -> Bool {
    state.withLock { state in
      if case .visitor = state.owner, !hasMore, state.items.isEmpty, !state.mustEnd {
        state.owner = .nobody
        return false
      }
      state.owner = .thread
      return true
    }
  }
}
