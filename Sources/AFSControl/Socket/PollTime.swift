import AFSBase

/// The time until `deadline` as poll(2) takes it: milliseconds, rounded up; -1 is for ever.
func pollTime(from now: MonotonicTime, until deadline: MonotonicTime) -> Int32 {
  if deadline == .distantFuture { return -1 }
  if deadline <= now { return 0 }
  let milliseconds = ((deadline - now).wholeNanoseconds + 999_999) / 1_000_000
  return Int32(clamping: milliseconds)
}
