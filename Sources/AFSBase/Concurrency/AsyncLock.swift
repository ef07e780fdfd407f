import Synchronization

/// A mutual exclusion lock which may be held across suspensions: first come, first served, and a waiter whose task
/// is cancelled leaves the queue.
///
/// Not recursive. Whoever got `true` from `acquire` or `tryAcquire` calls `release` once.
public final class AsyncLock: Sendable {
  private struct State {
    var isHeld = false
    var nextTicket: UInt64 = 0
    /// The first ticket that may still wait: tickets below it were served or left.
    var firstTicket: UInt64 = 0
    var waiters: [UInt64: CheckedContinuation<Bool, Never>] = [:]
    /// Tickets whose task was cancelled before it had begun to wait.
    var cancelled: Set<UInt64> = []
  }

  private let state = Mutex(State())

  public init() {}

  /// Tasks that wait now.
  public var waiterCount: Int { state.withLock { $0.waiters.count } }

  /// Takes the lock if it is free and nobody waits.
  public func tryAcquire() -> Bool {
    state.withLock { state in
      guard !state.isHeld else { return false }
      state.isHeld = true
      return true
    }
  }

  /// Waits for the lock.
  /// - Returns: false when the task was cancelled while it waited; the lock is then not held.
  public func acquire() async -> Bool {
    let ticket = state.withLock { state -> UInt64? in
      if !state.isHeld {
        state.isHeld = true
        return nil
      }
      state.nextTicket += 1
      return state.nextTicket - 1
    }
    guard let ticket else { return true }
    defer { state.withLock { state in _ = state.cancelled.remove(ticket) } }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let outcome = state.withLock { state in Self.enqueue(ticket, continuation, in: &state) }
        if let outcome { continuation.resume(returning: outcome) }
      }
    } onCancel: {
      let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
        if let waiter = state.waiters.removeValue(forKey: ticket) { return waiter }
        if ticket >= state.firstTicket { state.cancelled.insert(ticket) }
        return nil
      }
      waiter?.resume(returning: false)
    }
  }

  /// What a ticket's wait comes to at once, nil when it has to wait.
  private static func enqueue(
    _ ticket: UInt64, _ continuation: CheckedContinuation<Bool, Never>, in state: inout State
  ) -> Bool? {
    if state.cancelled.remove(ticket) != nil { return false }
    if !state.isHeld {
      state.isHeld = true
      return true
    }
    state.waiters[ticket] = continuation
    state.firstTicket = min(state.firstTicket, ticket)
    return nil
  }

  public func release() {
    let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
      assert(state.isHeld, "release of a lock that nobody holds")
      while state.firstTicket < state.nextTicket, !state.waiters.isEmpty {
        defer { state.firstTicket += 1 }
        if let waiter = state.waiters.removeValue(forKey: state.firstTicket) { return waiter }
      }
      state.isHeld = false
      return nil
    }
    next?.resume(returning: true)
  }
}
