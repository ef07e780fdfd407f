import AFSBase
import Synchronization
import Testing

@Suite struct AsyncLockTests {
  @Test("A free lock is taken at once, a held one is not") func tryAcquire() {
    let lock = AsyncLock()
    #expect(lock.tryAcquire())
    #expect(!lock.tryAcquire())
    lock.release()
    #expect(lock.tryAcquire())
  }

  /// Starts a task that waits for the lock, and returns once it is in the queue.
  private func waiter(
    for lock: AsyncLock, named name: Int, log: RecordedOrder
  ) async -> Task<Bool, Never> {
    let task = Task {
      let isHeld = await lock.acquire()
      if isHeld { log.append(name) }
      return isHeld
    }
    while lock.waiterCount < name { await Task.yield() }
    return task
  }

  @Test("Waiters get the lock in the order in which they came") func fifo() async {
    let lock = AsyncLock()
    let order = RecordedOrder()
    _ = await lock.acquire()
    var tasks: [Task<Bool, Never>] = []
    for name in 1...5 { tasks.append(await waiter(for: lock, named: name, log: order)) }
    for task in tasks {
      lock.release()
      #expect(await task.value)
    }
    #expect(order.values == [1, 2, 3, 4, 5])
  }

  @Test("A cancelled waiter leaves the queue and the next one is served") func cancellation() async {
    let lock = AsyncLock()
    let order = RecordedOrder()
    _ = await lock.acquire()
    let first = await waiter(for: lock, named: 1, log: order)
    let second = await waiter(for: lock, named: 2, log: order)
    first.cancel()
    #expect(await first.value == false)
    lock.release()
    #expect(await second.value)
    #expect(order.values == [2])
    lock.release()
    #expect(lock.tryAcquire())
  }

  @Test("A task that was cancelled before does not wait") func cancelledBefore() async {
    let lock = AsyncLock()
    _ = await lock.acquire()
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return await lock.acquire()
    }
    #expect(await task.value == false)
    lock.release()
    #expect(lock.tryAcquire())
  }

  @Test("Two never hold the lock at once") func exclusion() async {
    let lock = AsyncLock()
    let inside = Occupancy()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<200 {
            guard await lock.acquire() else { return }
            inside.enter()
            await Task.yield()
            inside.leave()
            lock.release()
          }
        }
      }
    }
    #expect(inside.most == 1)
  }
}

private final class RecordedOrder: Sendable {
  private let list = Mutex<[Int]>([])
  func append(_ value: Int) { list.withLock { $0.append(value) } }
  var values: [Int] { list.withLock { $0 } }
}

private final class Occupancy: Sendable {
  private let state = Mutex((now: 0, most: 0))
  func enter() {
    state.withLock { state in
      state.now += 1
      state.most = max(state.most, state.now)
    }
  }
  func leave() { state.withLock { $0.now -= 1 } }
  var most: Int { state.withLock { $0.most } }
}
