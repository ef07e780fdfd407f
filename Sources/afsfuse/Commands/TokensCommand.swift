import AFSBase
import AFSControl
import ArgumentParser
import Glibc

/// `afsfuse tokens`.
struct TokensCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokens",
    abstract: "Lists your tokens: those of the session keyring, and those that daemons hold.")

  @Flag(help: "For scripts: an array with an object for each token, with its source.")
  var json = false

  func run() throws {
    var (tokens, failures) = DaemonTokens.ofKeyring()
    failures += DaemonTokens.askAll(.tokens) { reply in
      guard case .tokens(let held) = reply else { return }
      for token in held where token.user == getuid() || getuid() == 0 { Self.add(token, to: &tokens) }
    }
    for failure in failures { printError("afsfuse: \(failure)") }
    if json {
      print(JSONValue.array(tokens.map(\.json)).text(indented: true))
    } else {
      print(TokenText(tokens, now: SystemClock.wall.seconds).text)
    }
    if !failures.isEmpty { throw ExitCode(1) }
  }

  /// A daemon which uses a key of the keyring holds the same token.
  private static func add(_ token: TokenStatus, to tokens: inout [TokenStatus]) {
    let same = tokens.firstIndex { known in
      known.cell == token.cell && known.user == token.user && known.expires == token.expires
        && (known.principal == token.principal || known.source == token.source)
    }
    guard let same else {
      tokens.append(token)
      return
    }
    if tokens[same].viceID == nil { tokens[same].viceID = token.viceID }
    // What servers say of it is known to the daemon only.
    if tokens[same].state == "valid" { tokens[same].state = token.state }
  }
}
