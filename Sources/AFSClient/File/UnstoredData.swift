internal import DequeModule
internal import Synchronization

/// The changed data of all files together which no server has yet.
///
/// Data that can be stored has a limit: above half of it the files that have had some longest are stored, at the limit
/// writers wait for that. Data that servers did not take (they are silent, there is no token, no quota) is not waited
/// for: it would hold up whoever writes to others. It has a limit of its own, at which new data is refused.
///
/// Its lock comes after a file's: `change` is called under one, the rest under none.
package final class UnstoredData: Sendable {
  /// Bytes.
  package struct Limits: Hashable, Sendable {
    /// Writers wait above it.
    package var storableMax: UInt64
    /// Writes fail above it.
    package var refusedMax: UInt64

    /// Half of the cache each; 512 MiB of storable data, a few seconds of a fast network, are enough for any writer.
    package init(cacheSize: UInt64) {
      storableMax = min(512 << 20, cacheSize / 2)
      refusedMax = cacheSize / 2
    }
  }

  /// What one file adds to the sums.
  struct Share: Hashable {
    var bytes: UInt64 = 0
    /// The last store has failed.
    var isRefused = false
  }

  private struct Entry {
    weak var contents: FileContents?
  }

  private struct Waiter {
    var goal: UInt64
    var continuation: FileContents.Continuation
  }

  private struct State {
    /// Files with storable data which is not being stored.
    var queue: Deque<Entry> = []
    var waiters: [UInt64: Waiter] = [:]
    var nextID: UInt64 = 0
  }

  /// Files that are stored at a time because of the limit: a fileserver is fastest with a few.
  private static let storesMax = 4

  let limits: Limits
  private let storable = Atomic<UInt64>(0)
  private let refused = Atomic<UInt64>(0)
  private let storeCount = Atomic<Int>(0)
  /// Of `State.waiters`, to be read without the lock.
  private let waiterCount = Atomic<Int>(0)
  private let state = Mutex(State())

  package init(limits: Limits) {
    self.limits = limits
  }

  // MARK: Sums

  package var bytes: UInt64 { storableBytes + refusedBytes }
  private var storableBytes: UInt64 { storable.load(ordering: .relaxed) }
  package var refusedBytes: UInt64 { refused.load(ordering: .relaxed) }

  /// Writers must wait.
  var isFull: Bool { storableBytes >= limits.storableMax }
  /// Writes must fail.
  var isOverfull: Bool { refusedBytes >= limits.refusedMax }

  /// A file's share has changed.
  /// - Parameter isQueued: whether the file waits to be stored; kept by the file.
  func change(from old: Share, to new: Share, of contents: FileContents, isQueued: inout Bool) {
    add(new, 1)
    add(old, -1)
    guard new.bytes > 0, !new.isRefused, !isQueued else { return }
    isQueued = true
    state.withLock { $0.queue.append(Entry(contents: contents)) }
  }

  private func add(_ share: Share, _ sign: Int64) {
    guard share.bytes > 0 else { return }
    let change = UInt64(bitPattern: sign * Int64(clamping: share.bytes))
    if share.isRefused {
      refused.wrappingAdd(change, ordering: .relaxed)
    } else {
      storable.wrappingAdd(change, ordering: .relaxed)
    }
  }

  // MARK: Making room

  /// Starts stores when there is much to store.
  func relieve() {
    guard storableBytes >= limits.storableMax / 2 || waiterCount.load(ordering: .relaxed) > 0 else { return }
    while storeCount.load(ordering: .relaxed) < Self.storesMax, let entry = state.withLock({ $0.queue.popFirst() }) {
      // Counted before: the store may have ended when it has been asked for.
      storeCount.add(1, ordering: .relaxed)
      if entry.contents?.storeForRoom() != true { storeCount.subtract(1, ordering: .relaxed) }
    }
  }

  /// A store that `relieve` has started is at its end. Called under the file's lock.
  func storeForRoomEnded() {
    storeCount.subtract(1, ordering: .relaxed)
  }

  /// Sums may have become less: who waits for that goes on, or the next files are stored.
  func settle() {
    guard waiterCount.load(ordering: .acquiring) > 0 else { return relieve() }
    let ready = state.withLock { state -> [FileContents.Continuation] in
      let now = storableBytes
      var ready: [FileContents.Continuation] = []
      for (id, waiter) in state.waiters where now <= waiter.goal {
        ready.append(waiter.continuation)
        state.waiters[id] = nil
      }
      waiterCount.store(state.waiters.count, ordering: .releasing)
      return ready
    }
    ready.resumeAll()
    relieve()
  }

  /// Waits until there is less than the limit. What cannot be stored meanwhile counts as refused: the wait ends.
  func waitForRoom() async throws(AFSError) {
    try await wait(until: max(limits.storableMax, 1) - 1)
  }

  /// Waits until half of what can be stored now is.
  func waitForHalf() async throws(AFSError) {
    try await wait(until: storableBytes / 2)
  }

  private func wait(until goal: UInt64) async throws(AFSError) {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: FileContents.Continuation) in
        let immediate = state.withLock { state -> Result<Void, AFSError>? in
          // The handler below has run already, or will find the waiter.
          if Task.isCancelled { return .failure(.interrupted) }
          if storableBytes <= goal { return .success(()) }
          state.waiters[id] = Waiter(goal: goal, continuation: continuation)
          waiterCount.store(state.waiters.count, ordering: .releasing)
          return nil
        }
        if let immediate { continuation.resume(returning: immediate) } else { settle() }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        defer { waiterCount.store(state.waiters.count, ordering: .releasing) }
        return state.waiters.removeValue(forKey: id)
      }
      waiter?.continuation.resume(returning: .failure(.interrupted))
    }
    try result.get()
  }
}
