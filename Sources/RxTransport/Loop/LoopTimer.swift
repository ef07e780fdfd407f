package import AFSBase

/// A loop's time as asynchronous code sees it.
package struct LoopTimer: RxTimer {
  private let loop: any RxLoop
  private let owner: (any AnyObject & Sendable)?

  /// - Parameter owner: kept alive with the timer: what keeps the loop running.
  package init(_ loop: any RxLoop, keeping owner: (any AnyObject & Sendable)? = nil) {
    self.loop = loop
    self.owner = owner
  }

  package var now: MonotonicTime { loop.now }
  package var wallTime: WallTime { loop.wallTime }

  package func sleep(until deadline: MonotonicTime) async throws(CancellationError) {
    let loop = loop
    let sleeper = LoopBound(SleepQueue.Sleeper(until: deadline))
    let isTime = await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        loop.perform { loop.sleepers.value.add(sleeper.value, continuation) }
      }
    } onCancel: {
      loop.perform { loop.sleepers.value.cancel(sleeper.value) }
    }
    if !isTime { throw CancellationError() }
  }
}
