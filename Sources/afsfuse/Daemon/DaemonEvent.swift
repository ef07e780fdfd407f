import AFSBase
import AFSControl
import Glibc

/// What makes a daemon end.
enum DaemonEvent: Sendable {
  case signal(Int32)
  /// Asked for over the control socket. The reply is due when all is done.
  case unmount(lazily: Bool, CheckedContinuation<ControlReply, Never>)
  /// The mount has ended, by whatever cause.
  case ended
  /// What was dirty then is stored, or is lost: the outcome is what commands are told that wait for it.
  case stored(ControlReply)
}

/// The signals which end a daemon, as events.
enum EndingSignals {
  private static let all = [SIGTERM, SIGINT, SIGHUP, SIGQUIT]

  /// Before any thread is started: threads inherit it.
  static func block() {
    signal(SIGPIPE, SIG_IGN)
    var set = signals()
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  static func watch(_ body: @escaping @Sendable (Int32) -> Void) {
    _ = WorkerThread(name: "afs-signals") {
      var set = signals()
      while true {
        var number: Int32 = 0
        if sigwait(&set, &number) == 0 { body(number) }
      }
    }
  }

  private static func signals() -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for number in all { sigaddset(&set, number) }
    return set
  }
}
