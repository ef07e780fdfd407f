package import AFSBase
import HeapModule

/// Tasks that wait for a time, earliest first; equal times in the order of arrival.
///
/// Used on one loop only.
package final class SleepQueue {
  /// One waiting task. Resumed exactly once: with true at its time, with false when it was cancelled.
  package final class Sleeper {
    let deadline: MonotonicTime
    fileprivate var continuation: UnsafeContinuation<Bool, Never>?
    fileprivate var isCancelled = false

    package init(until deadline: MonotonicTime) { self.deadline = deadline }
  }

  private struct Entry: Comparable {
    let deadline: MonotonicTime
    let order: UInt64
    let sleeper: Sleeper

    static func < (a: Entry, b: Entry) -> Bool { (a.deadline, a.order) < (b.deadline, b.order) }
    static func == (a: Entry, b: Entry) -> Bool { a.order == b.order }
  }

  private var heap = Heap<Entry>()
  private var order: UInt64 = 0
  /// Cancelled entries still in the heap: removed when their time comes, or when they are the larger part.
  private var cancelledCount = 0

  package init() {}

  /// How many tasks wait.
  package var count: Int { heap.count - cancelledCount }

  /// When `fire` wants to be called.
  package var nextDeadline: MonotonicTime? { heap.min?.deadline }

  package func add(_ sleeper: Sleeper, _ continuation: UnsafeContinuation<Bool, Never>) {
    guard !sleeper.isCancelled else { return continuation.resume(returning: false) }
    sleeper.continuation = continuation
    order += 1
    heap.insert(Entry(deadline: sleeper.deadline, order: order, sleeper: sleeper))
  }

  /// Ends the wait now; the sleeper may be one that is still to be added, or one that has woken up.
  package func cancel(_ sleeper: Sleeper) {
    guard !sleeper.isCancelled else { return }
    sleeper.isCancelled = true
    guard let continuation = sleeper.continuation else { return }
    sleeper.continuation = nil
    cancelledCount += 1
    if cancelledCount > 64, cancelledCount > heap.count / 2 {
      heap = Heap(heap.unordered.filter { !$0.sleeper.isCancelled })
      cancelledCount = 0
    }
    continuation.resume(returning: false)
  }

  /// Wakes all whose time has come.
  /// - Returns: whether there were any.
  @discardableResult
  package func fire(now: MonotonicTime) -> Bool {
    var hasFired = false
    while let first = heap.min, first.deadline <= now {
      heap.removeMin()
      guard let continuation = first.sleeper.continuation else {
        cancelledCount -= 1
        continue
      }
      first.sleeper.continuation = nil
      hasFired = true
      continuation.resume(returning: true)
    }
    return hasFired
  }
}
