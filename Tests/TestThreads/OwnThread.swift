import AFSBase

/// Runs what may block, system calls on a mount above all, on a thread of its own: a fault behind it fails the test in place
/// of hanging it.
///
/// - Parameters:
///   - seconds: after so many it counts as hung.
///   - pause: after it the thread's system call is interrupted once; nil leaves it alone.
///   - atHang: called then, after the threads' states were taken: ends what may be waited for, and says what else should
///     stand in the error.
/// - Throws: what `body` throws; `Hang`; `NoThread` when the system has no room for another one.
public func onOwnThread<Value: Sendable>(
  seconds: Int, interruptedAfter pause: Duration? = nil, atHang: () -> String,
  _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
  let outcome = Monitor<Result<Value, any Error>?>(nil)
  let made = WorkerThread(name: "afs-test") {
    let result = Result { try body() }
    outcome.change { $0 = result }
  }
  guard let thread = made else { throw NoThread() }
  let result = await withCheckedContinuation {
    (continuation: CheckedContinuation<Result<Value, any Error>?, Never>) in
    _ = WorkerThread(name: "afs-test-wait") {
      let end = SystemClock.monotonic + .seconds(seconds)
      if let pause {
        _ = outcome.wait(until: SystemClock.monotonic + pause) { $0 }
        thread.interrupt()
      }
      continuation.resume(returning: outcome.wait(until: end) { $0 })
    }
  }
  guard let result else {
    let threads = threadStates()
    throw Hang(threads: threads, details: atHang())
  }
  thread.join()
  return try result.get()
}

/// A test's system calls did not come back in time.
public struct Hang: Error {
  /// See `threadStates()`.
  public let threads: String
  public let details: String
}

public struct NoThread: Error {}
