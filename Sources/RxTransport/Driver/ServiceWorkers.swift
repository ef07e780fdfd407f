import AFSTypes
import DequeModule
import RxCore

/// The tasks in which a driver's services serve calls. A task that has served one waits for the next: making a task for
/// each call costs as much as the protocol's work for a small one.
///
/// On the loop only.
final class ServiceWorkers {
  /// One call to be served.
  struct Work {
    let service: any RxService
    let stream: DriverStream
    let state: StreamCall
    let call: RxIncomingCall
  }

  private typealias Waiter = UnsafeContinuation<LoopBound<Work>?, Never>

  /// A task that waits for a call.
  private struct Idle {
    let number: UInt64
    let waiter: Waiter
  }

  /// Tasks kept for later calls; those of a burst beyond it end.
  private static let idleMax = 64

  private unowned let loop: any RxLoop
  private var idle: [Idle] = []
  /// Calls for tasks that have not started yet.
  private var pending: Deque<LoopBound<Work>> = []
  private var tasks: [UInt64: Task<Void, Never>] = [:]
  private var nextNumber: UInt64 = 0
  private var hasEnded = false

  init(loop: any RxLoop) { self.loop = loop }

  deinit {
    for task in idle { task.waiter.resume(returning: nil) }
  }

  /// Serves a call in a task that waits for one, or else in a new one.
  func serve(_ work: Work) {
    if let task = idle.popLast() {
      begin(work, in: task.number)
      return task.waiter.resume(returning: LoopBound(work))
    }
    pending.append(LoopBound(work))
    let number = nextNumber
    nextNumber += 1
    let workers = LoopBound(Weak(self))
    // It keeps nothing but this reference: a task that waits must not keep a call's stream, nor the driver, alive.
    tasks[number] = Task(executorPreference: loop) {
      // One that was cancelled with its call serves no other.
      while !Task.isCancelled,
        let work = await withUnsafeContinuation({ ServiceWorkers.wait($0, number, in: workers.value.object) })
      {
        await work.value.service.serve(work.value.stream, from: work.value.call)
        work.value.stream.handlerReturned()
      }
      workers.value.object?.taskEnds(number)
    }
  }

  /// Cancels the handlers that run, and ends the tasks that wait.
  func end() {
    hasEnded = true
    for task in tasks.values { task.cancel() }
    let unserved = pending
    pending = []
    for work in unserved { work.value.stream.handlerReturned() }
    endIdle()
  }

  func endIdle() {
    let tasks = idle
    idle = []
    for task in tasks { task.waiter.resume(returning: nil) }
  }

  /// The call that the task serves has ended, and nobody wants its reply.
  func cancel(_ number: UInt64) { tasks[number]?.cancel() }

  /// The task is about to serve a call.
  private func begin(_ work: Work, in number: UInt64) {
    guard work.service.cancelsHandlers else { return }
    work.state.worker = number
    // It may have ended before the task came to it.
    if work.state.hasEnded { cancel(number) }
  }

  private static func wait(_ waiter: Waiter, _ number: UInt64, in workers: ServiceWorkers?) {
    guard let workers, workers.loop.isCurrent, !workers.hasEnded else { return waiter.resume(returning: nil) }
    if let work = workers.pending.popFirst() {
      workers.begin(work.value, in: number)
      return waiter.resume(returning: work)
    }
    guard workers.idle.count < idleMax else { return waiter.resume(returning: nil) }
    workers.idle.append(Idle(number: number, waiter: waiter))
  }

  /// A task that has outlived its loop ends elsewhere: then nobody will ask for it.
  private func taskEnds(_ number: UInt64) {
    if loop.isCurrent { tasks[number] = nil }
  }

  private struct Weak {
    weak var object: ServiceWorkers?
    init(_ object: ServiceWorkers) { self.object = object }
  }
}
