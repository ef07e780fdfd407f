import AFSBase
import CLinuxShims
import Glibc

/// A timerfd: wakes a thread that sleeps with a later limit, or none.
///
/// It is only ever set to an earlier time, and may ring when nobody needs it any more: calls have deadlines that are
/// seconds away and end after a millisecond, so that most of them find it set and cost no system call.
final class AlarmClock {
  let descriptor: CInt
  private var time = MonotonicTime.distantFuture

  init() throws(RxTransportError) {
    descriptor = afsfuse_timer_create()
    if descriptor < 0 { throw .system("timerfd_create", errno) }
  }

  deinit { close(descriptor) }

  /// Rings at `time`, or before.
  func set(to time: MonotonicTime) {
    guard time < self.time else { return }
    self.time = time
    _ = afsfuse_timer_set(descriptor, max(1, time.nanoseconds))
  }

  /// What is past has rung.
  func noteAwake(now: MonotonicTime) {
    if time <= now { time = .distantFuture }
  }
}
