import AFSBase
import AFSClient
import Glibc

extension Duration {
  /// Seconds as libfuse takes them; a year stands for "as long as nothing is said".
  var fuseSeconds: Double {
    if self <= .zero { return 0 }
    let (seconds, attoseconds) = components
    return min(Double(seconds) + Double(attoseconds) * 1e-18, 365 * 86400)
  }
}

extension timespec {
  init(_ time: WallTime) {
    self.init(tv_sec: Int(time.seconds), tv_nsec: Int(time.nanoseconds))
  }
}

extension WallTime {
  init(_ time: timespec) {
    self.init(seconds: Int64(time.tv_sec), nanoseconds: UInt32(clamping: time.tv_nsec))
  }
}

extension OpenAccess {
  /// - Parameter flags: of open(2).
  init(flags: Int32) {
    let mode = flags & O_ACCMODE
    self.init(
      reads: mode != O_WRONLY, writes: mode != O_RDONLY, truncates: flags & O_TRUNC != 0,
      appends: flags & O_APPEND != 0)
  }
}

/// The bytes of a C string, without its NUL.
func bytes(_ text: UnsafePointer<CChar>) -> [UInt8] {
  [UInt8](UnsafeRawBufferPointer(start: text, count: strlen(text)))
}
