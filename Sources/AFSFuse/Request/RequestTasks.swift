import AFSBase
import Glibc

/// Starts a task; the daemon's runs it on the executor of the Rx I/O thread.
package typealias TaskSpawner = @Sendable (@escaping @Sendable () async -> Void) -> Task<Void, Never>

/// The tasks that answer requests which could not be answered at once.
///
/// Bounded by the kernel: a process waits for one request at a time, background requests have a limit of their own.
final class RequestTasks: Sendable {
  private struct Entry {
    var task: Task<Void, Never>?
    var interrupted = false
  }

  private struct State {
    var nextID: UInt64 = 1
    var entries: [UInt64: Entry] = [:]
  }

  private let state = Monitor(State())

  /// How many requests wait.
  var count: Int { state.withLock { $0.entries.count } }

  /// Takes an id for a task to come: an interrupt may arrive before it has started.
  func reserve() -> UInt64 {
    state.withLock { state in
      let id = state.nextID
      state.nextID += 1
      state.entries[id] = Entry()
      return id
    }
  }

  /// Says which task stands behind the id; it may have finished.
  func attach(_ task: Task<Void, Never>, to id: UInt64) {
    let cancels = state.withLock { state in
      guard let interrupted = state.entries[id]?.interrupted else { return false }
      state.entries[id]?.task = task
      return interrupted
    }
    if cancels { task.cancel() }
  }

  func interrupt(_ id: UInt64) {
    let task = state.withLock { state in
      state.entries[id]?.interrupted = true
      return state.entries[id]?.task
    }
    task?.cancel()
  }

  func finish(_ id: UInt64) {
    state.change { _ = $0.entries.removeValue(forKey: id) }
  }

  func cancelAll() {
    let ids = state.withLock { Array($0.entries.keys) }
    for id in ids { interrupt(id) }
  }

  /// - Returns: false when some were still running at `deadline`.
  func waitUntilIdle(until deadline: MonotonicTime) -> Bool {
    state.wait(until: deadline) { $0.entries.isEmpty ? true : nil } ?? false
  }
}
