internal import Glibc

/// The system's clocks. For drivers and programs only, which `StyleTests` sees to: below them time is a parameter.
package enum SystemClock {
  /// CLOCK_MONOTONIC.
  package static var monotonic: MonotonicTime {
    let time = time(of: CLOCK_MONOTONIC)
    return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  /// CLOCK_REALTIME.
  package static var wall: WallTime {
    let time = time(of: CLOCK_REALTIME)
    return WallTime(seconds: Int64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec))
  }

  private static func time(of clock: clockid_t) -> timespec {
    var time = timespec()
    clock_gettime(clock, &time)
    return time
  }
}
