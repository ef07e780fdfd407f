import CLinuxShims
import Glibc

/// An eventfd: wakes a thread that sleeps in epoll_wait(2).
struct EventCounter: ~Copyable, Sendable {
  let descriptor: CInt

  init() throws(RxTransportError) {
    descriptor = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
    if descriptor < 0 { throw .system("eventfd", errno) }
  }

  deinit { close(descriptor) }

  func signal() {
    var one: UInt64 = 1
    _ = write(descriptor, &one, 8)
  }

  /// Sleeps until a signal has come, and takes it.
  func wait() {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = poll(&request, 1, -1)
    clear()
  }

  func clear() {
    var count: UInt64 = 0
    _ = read(descriptor, &count, 8)
  }
}
