internal import CLinuxShims
internal import Glibc

/// An open file of the cache; closed with the last reference, so that a transfer in another thread is never cut
/// off from its file.
final class CacheDescriptor: Sendable {
  private let fd: Int32

  init(path: String, create: Bool, emptied: Bool = false) throws(CacheError) {
    let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0) | (emptied ? O_TRUNC : 0)
    var opened: Int32
    repeat { opened = Glibc.open(path, flags, 0o600) } while opened < 0 && errno == EINTR
    guard opened >= 0 else { throw .system(errno: errno, operation: "open \(path)") }
    fd = opened
  }

  deinit {
    Glibc.close(fd)
  }

  /// Returns how many bytes were read: fewer only at the end of the file.
  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(CacheError) -> Int {
    var done = 0
    while done < buffer.count {
      let count = pread(fd, buffer.baseAddress! + done, buffer.count - done, off_t(truncatingIfNeeded: offset) + done)
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        throw .system(errno: errno, operation: "read")
      }
      done += count
    }
    return done
  }

  func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(CacheError) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(fd, bytes.baseAddress! + done, bytes.count - done, off_t(truncatingIfNeeded: offset) + done)
      if count < 0 {
        if errno == EINTR { continue }
        throw .system(errno: errno, operation: "write")
      }
      done += count
    }
  }

  /// Frees the blocks of a range, which then reads as zeros.
  func punch(_ range: Range<UInt64>) throws(CacheError) {
    let code = afsfuse_punch_hole(fd, Int64(range.lowerBound), Int64(range.length))
    if code != 0 { throw .system(errno: code, operation: "punch") }
  }

  func truncate(to size: UInt64) throws(CacheError) {
    while ftruncate(fd, off_t(truncatingIfNeeded: size)) != 0 {
      if errno != EINTR { throw .system(errno: errno, operation: "truncate") }
    }
  }

  /// Bytes of disk that the file's blocks take; nil if the system does not say.
  func allocatedBytes() -> UInt64? {
    var status = stat()
    guard fstat(fd, &status) == 0 else { return nil }
    return UInt64(status.st_blocks) * 512
  }

  /// False when somebody else holds the lock.
  func lockExclusively() -> Bool {
    while flock(fd, LOCK_EX | LOCK_NB) != 0 {
      if errno != EINTR { return false }
    }
    return true
  }
}
