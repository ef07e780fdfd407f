import AFSBase
import AFSControl
import AFSCredentials
import AFSTypes
import Glibc

/// The tokens of whoever runs a command: in his session's keyring, and at the daemons that serve him.
enum DaemonTokens {
  /// Asks every daemon that may hold tokens of this user's.
  /// - Returns: what could not be done, a line each.
  static func askAll(
    _ request: ControlRequest, _ body: (ControlReply) -> Void = { _ in }
  ) -> [String] {
    var failures: [String] = []
    for path in RuntimeFolder.withTokens.flatMap(\.socketPaths) {
      do throws(ControlError) {
        let reply = try ControlClient.ask(request, at: path, seconds: 30)
        if case .failed(let text) = reply { throw .refused(text) }
        body(reply)
      } catch {
        // Root's private mounts are none of this user's business.
        if error == .absent || error == .system(path, errno: EACCES) { continue }
        failures.append("\(path): \(error)")
      }
    }
    return failures
  }

  /// What the session keyring holds.
  static func ofKeyring() -> (tokens: [TokenStatus], failures: [String]) {
    let keyring = SessionKeyring()
    var tokens: [TokenStatus] = []
    var failures: [String] = []
    for cell in keyring.cells {
      guard case .key(let serial) = keyring.find(cell) else { continue }
      do throws(SessionKeyring.Failure) {
        let token = try keyring.token(serial: serial, cell: cell)
        tokens.append(
          TokenStatus(
            cell: cell.text, state: token.isExpired(at: WallClock.now) ? "expired" : "valid",
            principal: token.principal, viceID: token.viceID, expires: token.expires.seconds,
            source: token.source.description, user: getuid(), trouble: nil))
      } catch {
        failures.append(error.text)
      }
    }
    return (tokens, failures)
  }
}

/// Calendar time.
enum WallClock {
  static var now: WallTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(seconds: Int64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec))
  }
}
