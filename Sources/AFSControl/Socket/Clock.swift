import AFSBase
import Glibc

/// The clock of this target's deadlines.
enum Clock {
  /// CLOCK_MONOTONIC.
  static var now: MonotonicTime {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  /// The time until `deadline` as poll(2) takes it: milliseconds, rounded up; -1 is for ever.
  static func pollTime(from now: MonotonicTime, until deadline: MonotonicTime) -> Int32 {
    if deadline == .distantFuture { return -1 }
    if deadline <= now { return 0 }
    let milliseconds = ((deadline - now).wholeNanoseconds + 999_999) / 1_000_000
    return Int32(clamping: milliseconds)
  }
}
