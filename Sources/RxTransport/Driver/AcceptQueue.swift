import DequeModule
import Synchronization

/// Who serves calls, and who waits: one for all loops of a port. First come, first served, whichever loop a call
/// belongs to; a call's protocol stays with its loop.
///
/// The endpoints bound how many calls wait (`RxEndpointConfiguration.acceptQueueDepth`).
package final class AcceptQueue: Sendable {
  /// A call that waits for a handler.
  private struct Waiting: Sendable {
    let loop: any RxLoop
    /// Which driver's it is.
    let owner: ObjectIdentifier
    /// On the loop: starts the handler. False when the call has ended meanwhile.
    let start: @Sendable () -> Bool
  }

  private struct State {
    var running = 0
    var waiting: Deque<Waiting> = []
  }

  private let handlersMax: Int
  private let state = Mutex(State())

  /// - Parameter handlersMax: handlers that run at the same time.
  package init(handlersMax: Int) {
    self.handlersMax = handlersMax
  }

  /// Calls `start` on `loop`, on which the caller is: at once if a handler may run, else when one has returned.
  func admit(_ loop: any RxLoop, of owner: AnyObject, _ start: @escaping @Sendable () -> Bool) {
    let mayStart = state.withLock { state in
      if state.running < handlersMax {
        state.running += 1
        return true
      }
      state.waiting.append(Waiting(loop: loop, owner: ObjectIdentifier(owner), start: start))
      return false
    }
    if mayStart, !start() { handlerReturned() }
  }

  /// A handler has returned: the call that has waited longest gets its place.
  func handlerReturned() {
    let next = state.withLock { state -> Waiting? in
      if let next = state.waiting.popFirst() { return next }
      state.running -= 1
      return nil
    }
    guard let next else { return }
    next.loop.submit { if !next.start() { self.handlerReturned() } }
  }

  /// Forgets the calls of a driver that was shut down.
  func remove(of owner: AnyObject) {
    let owner = ObjectIdentifier(owner)
    state.withLock { $0.waiting.removeAll { $0.owner == owner } }
  }
}
