import CLinuxShims
import Glibc

/// Keeps keys and tickets in this process: no core dumps, no debugger of the same user's, no reading of its memory.
enum ProcessProtection {
  static func apply() {
    afsfuse_protect_process()
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
  }
}
