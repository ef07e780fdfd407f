import AFSBase
package import AFSClient
import CFuse3
import Glibc
import Synchronization

/// Tells the kernel what it must forget, from threads which serve no requests and hold no lock.
///
/// A notification takes kernel locks which the process behind an unanswered request may hold (the directory's for
/// LOOKUP, the page's for READ): telling the kernel from within a request's handler hangs for good (measured). One
/// that has to wait for such a request must not hold up those of other files: a few threads take turns.
///
/// Names are *expired* rather than invalidated: the kernel asks for them again, and a directory which somebody
/// works in keeps its place when the answer is the same node.
///
/// What may go wrong in between, and the remedies:
/// - A reply with old facts is being prepared: `mark` has changed when it is ready, and it is sent with no validity.
/// - It was sent already, and its receiver has not run yet. A node that the kernel does not know then is told
///   again later, and so are names which were given within the last moment.
package final class KernelInvalidation: InvalidationSink {
  private struct State {
    var queue = InvalidationQueue(pendingMax: 65_536)
    var idleWorkers = 0
    var workers: [WorkerThread] = []
    var started = false
    var stopped = false
  }

  /// More notifications than this do not wait for the kernel at a time.
  private static let workersMax = 8
  /// How long a reply may need from our write to the receiver's tables; the last is for a machine under load.
  private static let retryDelays: [Duration] = [.milliseconds(2), .milliseconds(20), .milliseconds(200)]

  /// libfuse's session: set by `start`, before the threads which use it exist.
  private nonisolated(unsafe) var session: OpaquePointer?
  private let nodes: NodeTable
  private let monitor = Monitor(State())
  private let announced = Atomic<UInt64>(0)
  private let expires = Atomic(true)

  init(nodes: NodeTable) {
    self.nodes = nodes
  }

  /// Starts a worker, and the thread that keeps time for retries and waiters.
  /// - Parameter session: libfuse's session; must outlive `stop()`.
  func start(session: OpaquePointer) {
    self.session = session
    let timekeeper = WorkerThread(name: "afs-inval-time") { [weak self] in self?.keepTime() }
    monitor.change { state in
      state.started = true
      if let timekeeper { state.workers.append(timekeeper) }
    }
    startWorker()
  }

  /// Ends the threads. The connection to the kernel must be gone: a notification may be waiting in there.
  func stop() {
    let (workers, waiters) = monitor.change { state in
      state.stopped = true
      defer { state.workers = [] }
      return (state.workers, state.queue.takeAllWaiters())
    }
    for waiter in waiters { waiter.continuation.resume() }
    for worker in workers { worker.join() }
  }

  // MARK: What replies must know

  /// Changes with each announced invalidation. Taken before asking the file system; compared before replying.
  var mark: UInt64 { announced.load(ordering: .acquiring) }

  // MARK: InvalidationSink

  package func invalidate(_ invalidation: Invalidation) {
    announced.add(1, ordering: .acquiringAndReleasing)
    enqueue(.one(invalidation))
  }

  /// As `invalidate`, for one of several nodes of a file: it was changed through another one.
  func invalidateNode(_ id: UInt64, contents: Bool) {
    announced.add(1, ordering: .acquiringAndReleasing)
    enqueue(.again(.init(node: id, subject: .inode(contents: contents), attempt: Self.retryDelays.count)))
  }

  func invalidateName(_ name: [UInt8], in id: UInt64) {
    announced.add(1, ordering: .acquiringAndReleasing)
    var names = NameSet()
    guard (1...255).contains(name.count) else { return }
    _ = name.withUnsafeBytes { names.insert($0) }
    enqueue(.again(.init(node: id, subject: .names(.init(names)), attempt: Self.retryDelays.count)))
  }

  package func settle(within limit: Duration) async {
    let deadline = SystemClock.monotonic + limit
    await withCheckedContinuation { continuation in
      let waits = monitor.change { state in
        !state.stopped && state.queue.wait(until: deadline, continuation)
      }
      if !waits { continuation.resume() }
    }
  }

  private func enqueue(_ job: InvalidationQueue.Job) {
    let needsWorker = monitor.change { state in
      guard !state.stopped else { return false }
      state.queue.add(job)
      return state.started && state.idleWorkers < state.queue.pendingCount && state.queue.runningCount < Self.workersMax
        && state.workers.count <= Self.workersMax
    }
    if needsWorker { startWorker() }
  }

  // MARK: Threads

  private func startWorker() {
    let worker = WorkerThread(name: "afs-inval") { [weak self] in self?.work() }
    guard let worker else { return }
    let keeps = monitor.change { state in
      if !state.stopped { state.workers.append(worker) }
      return !state.stopped
    }
    if !keeps { worker.join() }
  }

  private func work() {
    while true {
      monitor.withLock { $0.idleWorkers += 1 }
      let next = monitor.wait(until: .distantFuture) { state -> (job: InvalidationQueue.Job, ticket: UInt64)?? in
        if state.stopped { return .some(nil) }
        return state.queue.next().map { .some($0) }
      }
      monitor.withLock { $0.idleWorkers -= 1 }
      guard let next, let (job, ticket) = next else { return }
      perform(job)
      let waiters = monitor.change { $0.queue.finish(ticket) }
      for waiter in waiters { waiter.continuation.resume() }
    }
  }

  private func keepTime() {
    while true {
      let due = monitor.withLock { $0.queue.nextTimeout }
      let stopped = monitor.wait(until: due) { state -> Bool? in
        if state.stopped { return true }
        return state.queue.nextTimeout < due ? false : nil
      }
      if stopped == true { return }
      let waiters = monitor.change { $0.queue.timeout(now: SystemClock.monotonic) }
      for waiter in waiters { waiter.continuation.resume() }
    }
  }

  // MARK: Notifications

  private func perform(_ job: InvalidationQueue.Job) {
    switch job {
    case .one(.attributes(let file)):
      for id in nodes.ids(of: file) { forget(id, contents: false, attempt: 0) }
    case .one(.contents(let file)):
      for id in nodes.ids(of: file) { forget(id, contents: true, attempt: 0) }
    case .one(.names(let directory)):
      for id in nodes.ids(of: directory) { forgetNames(of: id) }
    case .one(.name(let name, let directory)):
      for id in nodes.ids(of: directory) {
        name.withUnsafeBytes { expire($0, in: id) }
        forget(id, contents: true, attempt: 0)
        var names = NameSet()
        if (1...255).contains(name.count), name.withUnsafeBytes({ names.insert($0) }) {
          expireAgain(names, in: id, given: nodes.namesGiven(in: id))
        }
      }
    case .everything:
      for id in nodes.allIDs { forgetNames(of: id) }
    case .again(let retry):
      switch retry.subject {
      case .inode(let contents): forget(retry.node, contents: contents, attempt: retry.attempt)
      case .names(let listed):
        listed.names.visit { expire($0, in: retry.node) }
        forget(retry.node, contents: true, attempt: Self.retryDelays.count)
      }
    }
  }

  private func forgetNames(of id: UInt64) {
    let (names, given) = nodes.takeNames(of: id)
    names.visit { expire($0, in: id) }
    forget(id, contents: true, attempt: 0)
    expireAgain(names, in: id, given: given)
  }

  /// Names given within the last moment may reach the kernel's tables only now.
  private func expireAgain(_ names: NameSet, in id: UInt64, given: MonotonicTime) {
    guard !names.isEmpty, let last = Self.retryDelays.last, SystemClock.monotonic - given < last else { return }
    delay(.init(node: id, subject: .names(.init(names)), attempt: 0), by: last)
  }

  private func expire(_ name: UnsafeRawBufferPointer, in id: UInt64) {
    let text = name.baseAddress?.assumingMemoryBound(to: CChar.self)
    if expires.load(ordering: .relaxed) {
      let code = fuse_lowlevel_notify_expire_entry(session, id, text, name.count, FUSE_LL_EXPIRE_ONLY)
      if code != -ENOSYS { return }
      expires.store(false, ordering: .relaxed)
    }
    fuse_lowlevel_notify_inval_entry(session, id, text, name.count)
  }

  private func forget(_ id: UInt64, contents: Bool, attempt: Int) {
    let code = fuse_lowlevel_notify_inval_inode(session, id, contents ? 0 : -1, 0)
    if code == -ENOENT, attempt < Self.retryDelays.count {
      let retry = InvalidationQueue.Retry(node: id, subject: .inode(contents: contents), attempt: attempt + 1)
      delay(retry, by: Self.retryDelays[attempt])
    }
  }

  private func delay(_ retry: InvalidationQueue.Retry, by delay: Duration) {
    let due = SystemClock.monotonic + delay
    monitor.change { $0.queue.delay(retry, until: due) }
  }
}
