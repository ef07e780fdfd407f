import AFSBase
import CLinuxShims
import Glibc

/// The sleep of an I/O thread: epoll over its eventfd, one socket, and an alarm.
///
/// `wait` is the thread's. Everything else is for whoever has the loop, also while the thread is in `wait`.
final class Poller {
  /// Why it woke up.
  struct Wakeup {
    var isReadable = false
    /// The socket's error queue has something.
    var hasError = false
  }

  private let epoll: CInt
  private let counter: CInt
  private let alarm: AlarmClock
  private var socket: CInt = -1
  private var wantsWrite = false

  init(counter: CInt) throws(RxTransportError) {
    self.counter = counter
    alarm = try AlarmClock()
    epoll = epoll_create1(CInt(EPOLL_CLOEXEC))
    if epoll < 0 { throw .system("epoll_create1", errno) }
    control(EPOLL_CTL_ADD, counter, EPOLLIN.rawValue)
    control(EPOLL_CTL_ADD, alarm.descriptor, EPOLLIN.rawValue)
  }

  deinit { close(epoll) }

  func add(socket: CInt) {
    self.socket = socket
    wantsWrite = false
    control(EPOLL_CTL_ADD, socket, EPOLLIN.rawValue)
  }

  func removeSocket() {
    control(EPOLL_CTL_DEL, socket, 0)
    socket = -1
  }

  /// Whether a full socket's getting room again is a reason to wake up.
  func setWantsWrite(_ wantsWrite: Bool) {
    guard wantsWrite != self.wantsWrite, socket >= 0 else { return }
    self.wantsWrite = wantsWrite
    control(EPOLL_CTL_MOD, socket, wantsWrite ? EPOLLIN.rawValue | EPOLLOUT.rawValue : EPOLLIN.rawValue)
  }

  /// Ends the thread's sleep at `time`, if nothing does before.
  func wakeUp(at time: MonotonicTime) {
    alarm.set(to: time)
  }

  /// The thread is awake.
  func noteAwake(now: MonotonicTime) {
    alarm.noteAwake(now: now)
  }

  /// Sleeps until something comes, or for `limit`; nil for ever.
  func wait(limit: Duration?) -> Wakeup {
    var wakeup = Wakeup()
    withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 3) { events in
      let count = afsfuse_epoll_wait(epoll, events.baseAddress, 3, limit.map { max(0, $0.wholeNanoseconds) } ?? -1)
      guard count > 0 else { return }
      for event in events[..<Int(count)] {
        if event.data.fd == counter || event.data.fd == alarm.descriptor {
          var value: UInt64 = 0
          _ = read(event.data.fd, &value, 8)
        } else {
          wakeup.isReadable = event.events & EPOLLIN.rawValue != 0
          wakeup.hasError = event.events & EPOLLERR.rawValue != 0
        }
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
