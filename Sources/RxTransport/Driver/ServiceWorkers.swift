import AFSTypes
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
    let call: RxIncomingCall
  }

  private typealias Waiter = UnsafeContinuation<LoopBound<Work>?, Never>

  /// Tasks kept for later calls; those of a burst beyond it end.
  private static let idleMax = 64

  private unowned let loop: any RxLoop
  private var idle: [Waiter] = []
  private var tasks: [UInt64: Task<Void, Never>] = [:]
  private var nextNumber: UInt64 = 0
  private var hasEnded = false

  init(loop: any RxLoop) { self.loop = loop }

  deinit {
    for waiter in idle { waiter.resume(returning: nil) }
  }

  /// Serves a call in a task that waits for one, or else in a new one.
  func serve(_ work: Work) {
    if let waiter = idle.popLast() { return waiter.resume(returning: LoopBound(work)) }
    let number = nextNumber
    nextNumber += 1
    let (first, workers) = (LoopBound(work), LoopBound(Weak(self)))
    tasks[number] = Task(executorPreference: loop) {
      var next: LoopBound<Work>? = first
      while let work = next {
        await work.value.service.serve(work.value.stream, from: work.value.call)
        work.value.stream.handlerReturned()
        // A task that waits must not keep the call's stream, nor the driver, alive.
        next = nil
        next = await withUnsafeContinuation { ServiceWorkers.wait($0, in: workers.value.object) }
      }
      workers.value.object?.taskEnds(number)
    }
  }

  /// Cancels the handlers that run, and ends the tasks that wait.
  func end() {
    hasEnded = true
    for task in tasks.values { task.cancel() }
    endIdle()
  }

  func endIdle() {
    let waiters = idle
    idle = []
    for waiter in waiters { waiter.resume(returning: nil) }
  }

  private static func wait(_ waiter: Waiter, in workers: ServiceWorkers?) {
    guard let workers, workers.loop.isCurrent, !workers.hasEnded, workers.idle.count < idleMax else {
      return waiter.resume(returning: nil)
    }
    workers.idle.append(waiter)
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
