import AFSControl
import AFSFuse
import ArgumentParser
import Glibc

/// `afsfuse status mounts`, or `afsfuse status` alone: asks every daemon that it finds.
struct MountsStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mounts",
    abstract: "Shows mounts, cells, servers, volumes, and what is held and under way.",
    discussion: """
      Exit status: 1 when the daemon of a mount of yours is gone, or does not answer at its control socket; of one mount, \
      also when it does not answer at all. What other users' mounts do, and those of other programs, is only shown.
      """)

  @Argument(help: "One mount only.", completion: .directory)
  var mountPoint: String?

  @Flag(help: "For scripts: an array with an object for each mount.")
  var json = false

  func run() throws { try MountReport.run(.status, of: mountPoint, show: show) }

  private func show(_ report: MountReport) throws(Failure) {
    let mounts = report.answers.compactMap(\.status)
    if mounts.isEmpty { try report.showNothing() }
    if json {
      print(JSONValue.array(mounts.map(\.json)).text(indented: true))
    } else if mounts.isEmpty {
      print("Nothing is mounted.")
    } else {
      print(mounts.map(StatusText.init).map(\.text).joined(separator: "\n"))
    }
  }
}

/// A mount's status for people.
struct StatusText {
  let text: String

  init(_ status: MountStatus) {
    switch status.state {
    case .mounted, .detached: break
    case .abandoned:
      text =
        "\(status.mountPoint)  (no daemon answers: it is gone; 'afsfuse unmount \(status.mountPoint)' ends the mount)"
      return
    case .silent:
      text =
        "\(status.mountPoint)  (its daemon does not answer, and may hold changes that are not stored; "
        + "'afsfuse unmount --lazy \(status.mountPoint)' detaches the mount)"
      return
    case .otherProgram:
      text = "\(status.mountPoint)  (served by another program, or by an older afsfuse)"
      return
    case .foreign:
      text = "\(status.mountPoint)  (mounted by \(status.owner.map(UserName.of) ?? "another user"))"
      return
    }
    var lines = [
      "\(status.mountPoint)  (process \(status.processID), up \(Self.duration(status.uptime)), callback port "
        + "\(status.callbackPort)\(status.isReadOnly ? ", read-only" : "")"
        + "\(status.state == .detached ? ", detached: ends with its last user" : ""))"
    ]
    for cell in status.cells {
      lines.append("  cell \(cell.name)")
      for server in cell.servers { lines.append("    " + Self.line(server)) }
    }
    if !status.servers.isEmpty { lines.append("  fileservers") }
    for server in status.servers { lines.append("    " + Self.line(server)) }
    if !status.volumes.isEmpty { lines.append("  volumes") }
    for volume in status.volumes { lines.append("    \(volume.cell)  \(volume.name)  \(volume.id)") }
    if !status.tokens.isEmpty { lines.append("  tokens") }
    let hasDirty = status.counts.contains { $0.name == "dirty files" && $0.value > 0 }
    for token in status.tokens { lines.append("    " + Self.line(token, hasDirty: hasDirty)) }
    let width = status.counts.map(\.name.count).max() ?? 0
    for count in status.counts {
      lines.append("  \(count.name)\(String(repeating: " ", count: width - count.name.count))  \(count.value)")
    }
    text = lines.joined(separator: "\n")
  }

  private static func line(_ server: MountStatus.Server) -> String {
    "\(server.address)  \(server.role) server" + (server.isUp.map { $0 ? "  up" : "  DOWN" } ?? "")
  }

  /// What there is, and what to do when it is of no use.
  /// - Parameter hasDirty: some files of the mount are not stored.
  static func line(_ token: TokenStatus, hasDirty: Bool = false) -> String {
    let user = token.principal.isEmpty ? "" : "  \(token.principal)"
    let waiting = hasDirty ? "; what is not stored waits for the next token" : ""
    let state =
      switch token.state {
      case "valid": token.expires.map { "  until \(TokenText.date($0))" } ?? ""
      case "expired": "  EXPIRED: run kinit, or afsfuse aklog\(waiting)"
      case "refused": "  REFUSED by the servers: run kinit, or afsfuse aklog\(waiting)"
      case "withdrawn": "  TAKEN AWAY: what is not stored waits for the next token"
      default: "  none"
      }
    let source = token.source.isEmpty ? "" : "  (\(token.source))"
    return token.cell + user + state + source + (token.trouble.map { "  \($0)" } ?? "")
  }

  private static func duration(_ seconds: Int64) -> String {
    if seconds < 60 { return "\(seconds) s" }
    if seconds < 3600 { return "\(seconds / 60) min" }
    if seconds < 86400 { return "\(seconds / 3600) h \(seconds % 3600 / 60) min" }
    return "\(seconds / 86400) d \(seconds % 86400 / 3600) h"
  }
}
