import DequeModule
import Synchronization

/// How many calls are served, and which wait: one for all loops of a port. First come, first served, whichever loop a
/// call belongs to; a call's protocol stays with its loop.
///
/// The endpoints bound how many calls wait (`RxEndpointConfiguration.acceptQueueDepth`).
package final class AcceptQueue: Sendable {
  /// A waiting call's place.
  struct Place: Hashable, Sendable {
    fileprivate let number: UInt64
  }

  /// A call that waits for a handler.
  private struct Waiting: Sendable {
    let place: Place
    let loop: any RxLoop
    /// Which driver's it is.
    let owner: ObjectIdentifier
    /// On the loop: starts the handler. False when the call has ended meanwhile.
    let start: @Sendable () -> Bool
  }

  private struct State {
    var running = 0
    /// By their places' numbers, which grow.
    var waiting: Deque<Waiting> = []
    var nextNumber: UInt64 = 0
  }

  private let handlersMax: Int
  private let state = Mutex(State())

  /// - Parameter handlersMax: handlers that run at the same time.
  package init(handlersMax: Int) {
    self.handlersMax = handlersMax
  }

  var waitingCount: Int { state.withLock { $0.waiting.count } }

  /// Takes a handler's place for a call that comes now.
  /// - Returns: false when the call must `enqueue`.
  func admit() -> Bool {
    state.withLock { state in
      guard state.running < handlersMax else { return false }
      state.running += 1
      return true
    }
  }

  /// Calls `start` on `loop` when a handler has returned.
  /// - Returns: the call's place in the queue.
  func enqueue(_ loop: any RxLoop, of owner: AnyObject, _ start: @escaping @Sendable () -> Bool) -> Place {
    state.withLock { state in
      let place = Place(number: state.nextNumber)
      state.nextNumber += 1
      state.waiting.append(Waiting(place: place, loop: loop, owner: ObjectIdentifier(owner), start: start))
      return place
    }
  }

  /// The call has ended. Its turn may have come meanwhile: then `start` finds that out.
  func remove(_ place: Place) {
    state.withLock { state in
      var (low, high) = (0, state.waiting.count)
      while low < high {
        let middle = (low + high) / 2
        if state.waiting[middle].place.number < place.number { low = middle + 1 } else { high = middle }
      }
      guard low < state.waiting.count, state.waiting[low].place == place else { return }
      state.waiting.remove(at: low)
    }
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
