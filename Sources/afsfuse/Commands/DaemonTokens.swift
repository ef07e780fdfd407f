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
    let answers = MountSearch.ofTokens.ask(request, seconds: 30)
    for case .reply(let reply) in answers.map(\.outcome) {
      if case .failed = reply { continue }
      body(reply)
    }
    return answers.filter { !$0.isClosed }.compactMap(\.failure)
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
            cell: cell.text, state: token.isExpired(at: SystemClock.wall) ? "expired" : "valid",
            principal: token.principal, viceID: token.viceID, expires: token.expires.seconds,
            source: token.source.description, user: getuid(), trouble: nil))
      } catch {
        failures.append(error.text)
      }
    }
    return (tokens, failures)
  }
}
