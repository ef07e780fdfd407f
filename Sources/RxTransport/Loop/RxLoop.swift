package import AFSBase

/// The one thread on which a driver and everything it owns live: the I/O thread, or the simulation.
///
/// It is a task executor too, so that asynchronous code which makes calls can run beside the driver and reach it
/// without a queue in between.
package protocol RxLoop: TaskExecutor {
  /// Whether the caller runs on the loop right now.
  var isCurrent: Bool { get }
  /// The loop's clock; may be asked from any thread.
  var now: MonotonicTime { get }
  /// Calendar time that goes with `now`; may be asked from any thread.
  var wallTime: WallTime { get }
  /// Tasks that wait for a time.
  var sleepers: LoopBound<SleepQueue> { get }

  /// Runs `work` on the loop, later, in the order of submission. May be called from any thread.
  func submit(_ work: @escaping @Sendable () -> Void)
}

extension RxLoop {
  /// Runs `work` on the loop: at once when the caller is there, else later.
  package func perform(_ work: @escaping @Sendable () -> Void) {
    if isCurrent { work() } else { submit(work) }
  }
}

/// A value that is used on one loop only, in a form that may be carried across threads.
///
/// This is the transport's one unchecked promise to the compiler. It holds because every use of `value` is in code
/// that runs on the loop: in the body of the loop itself, in work given to `perform` and `submit`, or behind a test of
/// `isCurrent`. Memory of callers (`UnsafeRawBufferPointer`) is carried the same way: it is valid until the
/// continuation that came with it is resumed, and it is forgotten before that.
package struct LoopBound<Value>: @unchecked Sendable {
  /// Only to be touched on the loop.
  package let value: Value

  package init(_ value: Value) { self.value = value }
}
