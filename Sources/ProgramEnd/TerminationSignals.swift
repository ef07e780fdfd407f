import AFSBase
import Glibc

/// SIGINT and SIGTERM as something to wait for, in programs whose main function is asynchronous.
///
/// By handlers, not by blocking them: such a program has threads before its own code runs, which a mask set later does
/// not reach, and one of them would get the signal and end the process.
package enum TerminationSignals {
  /// From here on the signals do not end the process, even when it was started with SIGINT ignored, as scripts do in
  /// the background. Call it once.
  package static func catchThem() {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (readEnd, writeEnd) = (ends[0], ends[1])
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { number in
      let saved = errno
      var byte = UInt8(truncatingIfNeeded: number)
      _ = write(writeEnd, &byte, 1)
      errno = saved
    }
    for number in [SIGINT, SIGTERM] { sigaction(number, &action, nil) }
  }

  /// Returns when one of the signals has come since `catchThem`: its number.
  @discardableResult
  package static func wait() async -> Int32 {
    await withCheckedContinuation { continuation in
      let body: @Sendable () -> Void = {
        var byte: UInt8 = 0
        while read(readEnd, &byte, 1) < 0, errno == EINTR {}
        continuation.resume(returning: Int32(byte))
      }
      if WorkerThread(name: "signals", body) == nil { body() }
    }
  }

  /// Ends the process as the signal would have done: shells stop their scripts only then.
  package static func end(by number: Int32) -> Never {
    fflush(nil)
    signal(number, SIG_DFL)
    raise(number)
    exit(128 + number)
  }
}

/// Set once, before the handlers that use them.
private nonisolated(unsafe) var readEnd: Int32 = -1
private nonisolated(unsafe) var writeEnd: Int32 = -1
