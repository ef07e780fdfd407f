import AFSBase
import Glibc
import RxTransport

/// The protocol of sd_notify(3): a datagram to the socket that systemd names.
enum ServiceNotification {
  static func send(_ state: String) {
    guard let name = getenv("NOTIFY_SOCKET") else { return }
    DatagramSocket(path: String(cString: name))?.send(Array(state.utf8))
  }

  /// How often systemd wants to hear that we live (sd_watchdog_enabled(3)): half of what `WatchdogSec=` says. Nil when it
  /// does not, or means another process.
  static func watchdogInterval(
    microseconds: String?, processID: String?, own: pid_t = getpid()
  ) -> Duration? {
    guard let microseconds, let limit = Int64(microseconds), limit > 1, processID == nil || processID == "\(own)" else {
      return nil
    }
    return .microseconds(limit / 2)
  }

  private static var watchdogInterval: Duration? {
    watchdogInterval(
      microseconds: getenv("WATCHDOG_USEC").map { String(cString: $0) },
      processID: getenv("WATCHDOG_PID").map { String(cString: $0) })
  }

  /// Says that we live until the task is cancelled. To be run where the mount's requests are: when that stands still, systemd
  /// hears nothing.
  static func watch(_ timer: any RxTimer) async {
    guard let interval = watchdogInterval else { return }
    while !Task.isCancelled {
      send("WATCHDOG=1")
      do { try await timer.sleep(until: timer.now + interval) } catch { return }
    }
  }
}
