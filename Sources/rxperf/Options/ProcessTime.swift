import AFSBase
import Glibc

/// User and system time that this process has used.
func processTime() -> Duration {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  let microseconds = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
  return .seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + .microseconds(microseconds)
}
