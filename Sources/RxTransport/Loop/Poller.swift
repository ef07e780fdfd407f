import AFSBase
import CLinuxShims
import Glibc

/// The sleep of an I/O thread: epoll over its eventfd and one socket.
struct Poller: ~Copyable {
  /// Why it woke up.
  struct Wakeup {
    var isReadable = false
    /// The socket's error queue has something.
    var hasError = false
  }

  private let epoll: CInt
  private let counter: CInt
  private var socket: CInt = -1
  private var wantsWrite = false

  init(counter: CInt) throws(RxTransportError) {
    self.counter = counter
    epoll = epoll_create1(CInt(EPOLL_CLOEXEC))
    if epoll < 0 { throw .system("epoll_create1", errno) }
    control(EPOLL_CTL_ADD, counter, EPOLLIN.rawValue)
  }

  deinit { close(epoll) }

  mutating func add(socket: CInt) {
    self.socket = socket
    wantsWrite = false
    control(EPOLL_CTL_ADD, socket, EPOLLIN.rawValue)
  }

  mutating func removeSocket() {
    control(EPOLL_CTL_DEL, socket, 0)
    socket = -1
  }

  /// Sleeps until something comes, or for `limit`; nil for ever.
  mutating func wait(limit: Duration?, wantsWrite: Bool) -> Wakeup {
    if wantsWrite != self.wantsWrite, socket >= 0 {
      self.wantsWrite = wantsWrite
      control(EPOLL_CTL_MOD, socket, wantsWrite ? EPOLLIN.rawValue | EPOLLOUT.rawValue : EPOLLIN.rawValue)
    }
    var wakeup = Wakeup()
    withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 2) { events in
      let count = afsfuse_epoll_wait(epoll, events.baseAddress, 2, limit.map { max(0, $0.wholeNanoseconds) } ?? -1)
      guard count > 0 else { return }
      for event in events[..<Int(count)] where event.data.fd == socket {
        wakeup.isReadable = event.events & EPOLLIN.rawValue != 0
        wakeup.hasError = event.events & EPOLLERR.rawValue != 0
      }
      for event in events[..<Int(count)] where event.data.fd == counter {
        var value: UInt64 = 0
        _ = read(counter, &value, 8)
      }
    }
    return wakeup
  }

  private func control(_ operation: CInt, _ descriptor: CInt, _ events: UInt32) {
    var event = epoll_event()
    event.events = events
    event.data.fd = descriptor
    _ = epoll_ctl(epoll, operation, descriptor, &event)
  }
}
