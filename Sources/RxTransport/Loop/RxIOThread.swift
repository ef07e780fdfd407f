package import AFSBase
import CLinuxShims
import Glibc
import Synchronization

/// A thread that owns a socket, the Rx endpoint behind it, and the timers; and the executor of whatever code wants to
/// live beside them.
///
/// Jobs and closures that come from the thread itself run in the same turn and need no wake-up. Those of other
/// threads go through a queue, and the thread is woken only if it sleeps. The thread is a serial executor too: an
/// actor may choose it. It lives until `end`; jobs that arrive later run on the default executor.
///
/// Where that saves a wake-up another thread takes its place for a moment: see `visiting`.
package final class RxIOThread: RxLoop, SerialExecutor {
  /// Passes over the jobs before the socket is looked at again, so that tasks that never wait cannot starve it.
  private static let jobPassesMax = 64

  /// After so many turns a visitor lets the thread go on.
  private static let visitTurnsMax = 4

  /// What only the thread itself touches, or a visitor in its place.
  private final class Turn {
    var items: [RemoteWork.Item] = []
    var running: [RemoteWork.Item] = []
    let poller: Poller
    var pump: SocketPump?
    var wakeups: UInt64 = 0
    var spin: SpinWindow
    /// When the thread's sleep ends by itself.
    var sleepDeadline = MonotonicTime.distantFuture

    init(poller: Poller, spin: Duration) {
      self.poller = poller
      self.spin = SpinWindow(limit: spin)
    }
  }

  fileprivate let name: String
  private let remote = RemoteWork()
  private let counter: EventCounter
  private let turn: LoopBound<Turn>
  private let thread = Atomic<UInt>(0)
  private let callsInFlight = Atomic(0)
  /// Taken by what would run on the thread after its end.
  private let afterEnd = Mutex(())
  package let sleepers = LoopBound(SleepQueue())

  /// - Parameters:
  ///   - name: for `ps -L` and debuggers; 15 characters count.
  ///   - spin: see `RxTransportOptions.spin`.
  package init(name: String = "rx-io", spin: Duration = .zero) throws(RxTransportError) {
    self.name = name
    counter = try EventCounter()
    turn = LoopBound(Turn(poller: try Poller(counter: counter.descriptor), spin: spin))
    try start()
  }

  private func start() throws(RxTransportError) {
    var created = pthread_t()
    // The thread keeps itself alive until it has ended.
    let reference = Unmanaged.passRetained(self)
    let result = pthread_create(&created, nil, runIOThread, reference.toOpaque())
    guard result == 0 else {
      reference.release()
      throw .system("pthread_create", result)
    }
    pthread_detach(created)
  }

  // MARK: Executor

  package var isCurrent: Bool { thread.load(ordering: .relaxed) == pthread_self() }
  package var now: MonotonicTime { SystemClock.monotonic }
  package var wallTime: WallTime { SystemClock.wall }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if isCurrent {
      turn.value.items.append(.job(job))
    } else if !addRemote(.job(job)) {
      // The task has outlived its thread.
      job.runOnDefaultExecutor()
    }
  }

  package func submit(_ work: @escaping @Sendable () -> Void) {
    if isCurrent {
      turn.value.items.append(.closure(work))
    } else if !addRemote(.closure(work)) {
      runAfterEnd(work)
    }
  }

  /// Handlers and streams may outlive the thread: the callers' threads take its place then, one at a time.
  private func runAfterEnd(_ work: @Sendable () -> Void) {
    afterEnd.withLock { _ in
      thread.store(pthread_self(), ordering: .relaxed)
      defer { thread.store(0, ordering: .relaxed) }
      work()
      let turn = turn.value
      while !turn.items.isEmpty {
        swap(&turn.items, &turn.running)
        for item in turn.running {
          switch item {
          case .job(let job): job.runOnDefaultExecutor()
          case .closure(let work): work()
          }
        }
        turn.running.removeAll()
      }
    }
  }

  package func checkIsolated() {
    precondition(isCurrent, "not on the I/O thread")
  }

  package func isIsolatingCurrentContext() -> Bool? { isCurrent }

  private func addRemote(_ item: RemoteWork.Item) -> Bool {
    switch remote.add(item) {
    case .nothing: return true
    case .wake:
      counter.signal()
      return true
    case .refused: return false
    }
  }

  /// Lets the thread end as soon as it has nothing left to do. From any thread.
  package func end() {
    if case .wake = remote.end() { counter.signal() }
  }

  // MARK: The socket

  /// On the thread: it serves `pump` from now on.
  func attach(_ pump: SocketPump) {
    turn.value.pump = pump
    turn.value.poller.add(socket: pump.descriptor)
  }

  /// On the thread: ends the pump's calls, sends their last words and closes its socket.
  func closePump(_ pump: SocketPump) {
    guard turn.value.pump === pump else { return }
    pump.driver.shutDown()
    turn.value.poller.removeSocket()
    turn.value.pump = nil
    pump.close()
  }

  /// Calls in flight at the end of the last turn. From any thread.
  var load: Int { callsInFlight.load(ordering: .relaxed) }

  /// On the thread: how often it slept.
  var wakeups: UInt64 { turn.value.wakeups }

  // MARK: Visits

  /// Does `work`, and on this thread what it gives the loop to do: if the I/O thread sleeps, the caller takes its place
  /// until there is nothing left to do at once. Saves waking the I/O thread; if it is awake, it gets the work as ever.
  ///
  /// The caller must hold no lock: other work of the loop may run before this returns. In a task it is the same as
  /// `work` alone, since a thread cannot run a task within another.
  func visiting<Result>(_ work: () -> Result) -> Result {
    guard !isCurrent, withUnsafeCurrentTask(body: { $0 == nil }), remote.beginVisit() else { return work() }
    let thread = thread.exchange(pthread_self(), ordering: .relaxed)
    let result = work()
    let turn = turn.value
    var turns = 1
    while runTurn(turn), turns < Self.visitTurnsMax { turns += 1 }
    let deadline = nextDeadline(turn)
    if deadline < turn.sleepDeadline { turn.poller.wakeUp(at: deadline) }
    turn.poller.setWantsWrite(turn.pump?.wantsWrite ?? false)
    self.thread.store(thread, ordering: .relaxed)
    if remote.endVisit(hasMore: !turn.items.isEmpty || turns == Self.visitTurnsMax) { counter.signal() }
    return result
  }

  // MARK: Turns

  fileprivate func run() {
    thread.store(pthread_self(), ordering: .relaxed)
    let turn = turn.value
    while true {
      if runTurn(turn) || spin(turn) { continue }
      turn.sleepDeadline = nextDeadline(turn)
      turn.poller.setWantsWrite(turn.pump?.wantsWrite ?? false)
      switch remote.becomeIdle() {
      case .work: continue
      // The system gives the thread's number to another one.
      case .end: return afterEnd.withLock { _ in thread.store(0, ordering: .relaxed) }
      case .sleep: sleep(turn)
      }
    }
  }

  /// - Returns: whether there may be more to do at once.
  private func runTurn(_ turn: Turn) -> Bool {
    var isBusy = turn.pump?.collect() ?? false
    let now = SystemClock.monotonic
    turn.pump?.driver.advance(to: now)
    // What was asked for before a datagram was sent must count before the datagram does.
    isBusy = runJobs(turn) || isBusy
    turn.pump?.deliver()
    isBusy = sleepers.value.fire(now: now) || isBusy
    isBusy = runJobs(turn) || isBusy
    if let pump = turn.pump {
      pump.flush()
      callsInFlight.store(pump.driver.callsInFlight, ordering: .relaxed)
    }
    return isBusy || !turn.items.isEmpty || remote.mayHaveItems
  }

  /// Runs jobs, and what their commands to the driver resume, until none is left.
  private func runJobs(_ turn: Turn) -> Bool {
    var hasRun = false
    for _ in 0..<Self.jobPassesMax {
      if remote.mayHaveItems {
        remote.take(into: &turn.running)
        hasRun = hasRun || !turn.running.isEmpty
        runItems(turn)
      }
      if !turn.items.isEmpty {
        swap(&turn.items, &turn.running)
        hasRun = true
        runItems(turn)
      }
      turn.pump?.driver.settle()
      if turn.items.isEmpty, !remote.mayHaveItems { break }
    }
    return hasRun
  }

  private func runItems(_ turn: Turn) {
    let executor = asUnownedTaskExecutor()
    for item in turn.running {
      switch item {
      // Also for actors that live here: the thread is what isolates them.
      case .job(let job): job.runSynchronously(on: executor)
      case .closure(let work): work()
      }
    }
    turn.running.removeAll(keepingCapacity: true)
  }

  private func nextDeadline(_ turn: Turn) -> MonotonicTime {
    let none = MonotonicTime.distantFuture
    let pump = min(turn.pump?.driver.nextTimeout ?? none, turn.pump?.retryAt ?? none)
    return min(pump, sleepers.value.nextDeadline ?? none)
  }

  /// Looks for news without sleeping, for as long as that has been worth it lately.
  /// - Returns: whether there are any.
  private func spin(_ turn: Turn) -> Bool {
    guard let pump = turn.pump, turn.spin.mayOpen else { return false }
    var now = SystemClock.monotonic
    guard turn.spin.isOpen(now: now) else { return false }
    let end = min(turn.spin.end(from: now), nextDeadline(turn))
    while now < end {
      if pump.look() || remote.mayHaveItems { return true }
      sched_yield()
      let last = now
      now = SystemClock.monotonic
      if now - last > SpinWindow.gapMax {
        turn.spin.wasInterrupted(now: now)
        break
      }
    }
    return false
  }

  /// From here until `becomeBusy` a visitor may have the turn.
  private func sleep(_ turn: Turn) {
    let poller = turn.poller
    let start = SystemClock.monotonic
    let deadline = turn.sleepDeadline
    let wakeup = poller.wait(limit: deadline == .distantFuture ? nil : deadline - start)
    while !remote.becomeBusy() { counter.wait() }
    let now = SystemClock.monotonic
    poller.noteAwake(now: now)
    turn.wakeups += 1
    turn.spin.slept(now - start)
    turn.pump?.wokeUp(wakeup)
  }
}

/// The thread's start routine. A plain function: a closure would inherit the isolation of whoever wrote it.
private func runIOThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  let thread = Unmanaged<RxIOThread>.fromOpaque(argument!).takeRetainedValue()
  afsfuse_name_thread(thread.name)
  thread.run()
  return nil
}

extension UnownedJob {
  fileprivate func runOnDefaultExecutor() {
    globalConcurrentExecutor.enqueue(self)
  }
}
