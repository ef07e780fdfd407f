import AFSControl
import AFSFuse
import ArgumentParser
import Glibc

/// `afsfuse status mounts`, or `afsfuse status` alone: asks every daemon whose socket it finds.
struct MountsStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mounts",
    abstract: "Shows mounts, cells, servers, volumes, and what is held and under way.")

  @Argument(help: "One mount only.", completion: .directory)
  var mountPoint: String?

  @Flag(help: "For scripts: an array with an object for each mount.")
  var json = false

  func run() throws {
    var mounts: [MountStatus] = []
    let failures = ControlClient.askEach(.status, in: RuntimeFolder.all, seconds: 5) { reply throws(ControlError) in
      guard case .status(let status) = reply else { throw .malformed }
      mounts.append(status)
    }
    for failure in failures { printError("afsfuse: \(failure.text)") }
    add(MountTable.own, to: &mounts)
    if let mountPoint {
      let path = realPath(mountPoint)
      mounts.removeAll { $0.mountPoint != path }
      if mounts.isEmpty { throw Failure("no daemon of afsfuse serves \(path)").report() }
    }
    if json {
      print(JSONValue.array(mounts.map(\.json)).text(indented: true))
    } else if mounts.isEmpty {
      print("Nothing is mounted.")
    } else {
      print(mounts.map(StatusText.init).map(\.text).joined(separator: "\n"))
    }
    // A dead mount is trouble, too.
    if !failures.isEmpty || mounts.contains(where: { $0.state == .abandoned }) { throw ExitCode(1) }
  }

  /// Compares what daemons say with what the kernel knows.
  private func add(_ entries: [MountTableEntry], to mounts: inout [MountStatus]) {
    for index in mounts.indices where !entries.contains(where: { $0.mountPoint == mounts[index].mountPoint }) {
      mounts[index].state = .detached
    }
    for entry in entries where !mounts.contains(where: { $0.mountPoint == entry.mountPoint }) {
      let isOurs = geteuid() == 0 || entry.userID == geteuid()
      mounts.append(
        MountStatus(
          mountPoint: entry.mountPoint, state: isOurs ? .abandoned : .foreign, owner: entry.userID))
    }
  }

  private func realPath(_ path: String) -> String {
    guard let whole = realpath(path, nil) else { return path }
    defer { free(whole) }
    return String(cString: whole)
  }
}

/// A mount's status for people.
struct StatusText {
  let text: String

  init(_ status: MountStatus) {
    switch status.state {
    case .mounted, .detached: break
    case .abandoned:
      // The place of root's sockets is always the same.
      let otherCause = status.owner == 0 ? "" : ", or was started with another XDG_RUNTIME_DIR"
      text =
        "\(status.mountPoint)  (no daemon answers: it is gone\(otherCause); "
        + "'afsfuse unmount \(status.mountPoint)' ends the mount)"
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
