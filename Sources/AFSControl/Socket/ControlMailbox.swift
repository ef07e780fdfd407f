import CLinuxShims
import Glibc
import Synchronization

/// What other threads tell the thread of a control server, which sleeps in poll(2).
final class ControlMailbox: Sendable {
  struct Letters {
    var replies: [(connection: UInt64, reply: ControlReply)] = []
    var isStopped = false
  }

  /// An eventfd(2) that can be read when there are letters.
  let descriptor: Int32
  private let letters = Mutex(Letters())

  init() throws(ControlError) {
    descriptor = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
    guard descriptor >= 0 else { throw .system("control socket", errno: errno) }
  }

  deinit {
    close(descriptor)
  }

  func post(_ reply: ControlReply, to connection: UInt64) {
    letters.withLock { $0.replies.append((connection, reply)) }
    wake()
  }

  func stop() {
    letters.withLock { $0.isStopped = true }
    wake()
  }

  private func wake() {
    var one: UInt64 = 1
    _ = write(descriptor, &one, 8)
  }

  /// Replies are given out once.
  func collect() -> Letters {
    var count: UInt64 = 0
    _ = read(descriptor, &count, 8)
    return letters.withLock { letters in
      defer { letters.replies = [] }
      return letters
    }
  }
}
