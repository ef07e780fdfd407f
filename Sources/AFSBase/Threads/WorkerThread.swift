import Glibc

/// A thread: named, with all signals blocked but the one which wakes it out of a system call.
///
/// The process's own signals (SIGTERM, SIGINT) thus always reach the thread that waits for them.
public final class WorkerThread: Sendable {
  /// Its handler does nothing; its arrival makes a blocking read return EINTR. The default action of SIGURG is
  /// to be ignored, so that nothing happens to a process which is sent one by mistake.
  static let wakeSignal = SIGURG

  private let thread: pthread_t

  /// - Parameter name: 15 bytes at most (the kernel's limit for a thread's name).
  /// - Returns: nil when the system has no room for another thread.
  public init?(name: String, _ body: @escaping @Sendable () -> Void) {
    Self.installWakeHandler()
    let start = Unmanaged.passRetained(ThreadBody(name: name, body))
    var thread = pthread_t()
    let code = pthread_create(&thread, nil, threadMain, start.toOpaque())
    guard code == 0 else {
      start.release()
      return nil
    }
    self.thread = thread
  }

  /// Interrupts the system call that the thread is in. It may be about to enter one: repeat until it has ended.
  public func interrupt() {
    pthread_kill(thread, Self.wakeSignal)
  }

  public func join() {
    pthread_join(thread, nil)
  }

  private static func installWakeHandler() {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = ignoreSignal
    sigemptyset(&action.sa_mask)
    action.sa_flags = 0
    sigaction(wakeSignal, &action, nil)
  }
}

private final class ThreadBody: Sendable {
  let name: String
  let body: @Sendable () -> Void
  init(name: String, _ body: @escaping @Sendable () -> Void) {
    self.name = name
    self.body = body
  }
}

private nonisolated func ignoreSignal(_ signal: Int32) {}

private nonisolated func threadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  let start = Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
  var blocked = sigset_t()
  sigfillset(&blocked)
  sigdelset(&blocked, WorkerThread.wakeSignal)
  pthread_sigmask(SIG_SETMASK, &blocked, nil)
  setThreadName(start.name)
  start.body()
  return nil
}

/// Names the calling thread, for `ps -L` and `perf` (prctl and pthread_setname_np are not shown to Swift).
private nonisolated func setThreadName(_ name: String) {
  let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
  guard file >= 0 else { return }
  _ = write(file, name, min(name.utf8.count, 15))
  close(file)
}
