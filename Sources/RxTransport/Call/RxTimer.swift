public import AFSBase

/// Time for asynchronous code above the transport: real, or the simulation's.
public protocol RxTimer: Sendable {
  var now: MonotonicTime { get }
  /// Calendar time, for time stamps sent to servers and expiry times.
  var wallTime: WallTime { get }
  /// Returns at `deadline`, or throws at once when the task is cancelled.
  func sleep(until deadline: MonotonicTime) async throws(CancellationError)
}
