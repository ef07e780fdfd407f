import AFSControl
import AFSCredentials
import AFSTypes
import ArgumentParser

/// `afsfuse unlog`.
struct UnlogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unlog",
    abstract: "Takes your tokens away, here and from daemons; tickets give no new ones until the next kinit or aklog.")

  @Option(
    name: [.short, .long], parsing: .upToNextOption,
    help: ArgumentHelp("Only these cells'. Can be repeated.", valueName: "name"))
  var cell: [String] = []

  @Argument(help: .hidden)
  var strayWords: [String] = []

  func validate() throws { try StrayWords.refuse(strayWords) }

  func run() throws {
    do throws(Failure) {
      try unlog()
    } catch {
      printError("unlog: \(error.text)")
      throw ExitCode(error.status)
    }
  }

  private func unlog() throws(Failure) {
    let keyring = SessionKeyring()
    var cells: [CellName] = []
    for name in cell {
      guard let valid = CellName(name) else { throw Failure(usage: "'\(name)' is not a cell name") }
      cells.append(valid)
    }
    let unheld = cells.isEmpty ? [] : cells.filter { !Self.held(in: keyring).contains($0.text) }
    for cell in cells.isEmpty ? keyring.cells : cells {
      do throws(SessionKeyring.Failure) {
        _ = try keyring.remove(cell)
      } catch {
        throw Failure("could not discard tokens for cell \(cell): \(error)")
      }
    }
    var failures: [String] = []
    if cells.isEmpty {
      failures = DaemonTokens.askAll(.removeTokens(cell: nil))
    } else {
      for cell in cells { failures += DaemonTokens.askAll(.removeTokens(cell: cell.text)) }
    }
    if let first = failures.first { throw Failure("could not discard tickets: \(first)") }
    // No failure there either (OpenAFS src/log/unlog.c).
    for cell in unheld { printError("unlog: Warning - no tokens held for cell \(cell)") }
  }

  /// The cells for which the keyring or a daemon has a token.
  private static func held(in keyring: SessionKeyring) -> Set<String> {
    var held = Set(keyring.cells.map(\.text))
    _ = DaemonTokens.askAll(.tokens) { reply in
      if case .tokens(let tokens) = reply { held.formUnion(tokens.lazy.filter { $0.expires != nil }.map(\.cell)) }
    }
    return held
  }
}
