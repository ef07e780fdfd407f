package import AFSBase

/// What a command asks a daemon: one line (`line`).
package enum ControlRequest: Hashable, Sendable {
  case status
  /// The tables of Rx: calls, connections, peers, operations.
  case rx
  /// - Parameter lazily: detach the mount even when it is in use.
  case unmount(lazily: Bool)
  /// The caller's tokens.
  case tokens
  /// The caller hands over a token, as a key's payload (`UserKeyPayload`) for a cell.
  case setToken(cell: String, payload: SecretBytes)
  /// The caller takes his token for a cell away, or all.
  case removeTokens(cell: String?)

  /// Grows when a message changes its meaning; a daemon answers other versions with an error.
  package static let version: Int64 = 1

  /// What concerns its sender only.
  var isForEverybody: Bool {
    switch self {
    case .tokens, .setToken, .removeTokens: true
    case .status, .rx, .unmount: false
    }
  }

  /// Without a token's payload.
  package var json: JSONValue {
    switch self {
    case .status:
      .object([.init("version", .integer(Self.version)), .init("command", .string("status"))])
    case .rx:
      .object([.init("version", .integer(Self.version)), .init("command", .string("rx"))])
    case .unmount(let lazily):
      .object([
        .init("version", .integer(Self.version)), .init("command", .string("unmount")), .init("lazy", .bool(lazily)),
      ])
    case .tokens:
      .object([.init("version", .integer(Self.version)), .init("command", .string("tokens"))])
    case .setToken(let cell, _):
      .object([
        .init("version", .integer(Self.version)), .init("command", .string("setToken")), .init("cell", .string(cell)),
      ])
    case .removeTokens(let cell):
      .object([
        .init("version", .integer(Self.version)), .init("command", .string("removeTokens")),
        .init("cell", cell.map { .string($0) } ?? .null),
      ])
    }
  }

  /// - Parameter payload: what came beside the JSON.
  /// - Throws: a text for the sender.
  init(_ json: JSONValue, payload: SecretBytes?) throws(ControlError) {
    guard json["version"]?.integer == Self.version else { throw .refused("this daemon speaks version \(Self.version)") }
    switch json["command"]?.string {
    case "status": self = .status
    case "rx": self = .rx
    case "unmount": self = .unmount(lazily: json["lazy"]?.bool ?? false)
    case "tokens": self = .tokens
    case "setToken":
      guard let cell = json["cell"]?.string, let payload else {
        throw .refused("setToken needs a cell and a payload")
      }
      self = .setToken(cell: cell, payload: payload)
    case "removeTokens": self = .removeTokens(cell: json["cell"]?.string)
    case let name: throw .refused("unknown command '\(name ?? "")'")
    }
  }
}

/// What a daemon answers: one line of JSON.
package enum ControlReply: Hashable, Sendable {
  case done
  case status(MountStatus)
  case tokens([TokenStatus])
  /// An object; what is in it is the command's and the daemon's affair.
  case rx(JSONValue)
  case failed(String)

  package var json: JSONValue {
    switch self {
    case .done:
      .object([.init("version", .integer(ControlRequest.version)), .init("ok", .bool(true))])
    case .status(let status):
      .object([
        .init("version", .integer(ControlRequest.version)), .init("ok", .bool(true)), .init("status", status.json),
      ])
    case .tokens(let tokens):
      .object([
        .init("version", .integer(ControlRequest.version)), .init("ok", .bool(true)),
        .init("tokens", .array(tokens.map(\.json))),
      ])
    case .rx(let tables):
      .object([.init("version", .integer(ControlRequest.version)), .init("ok", .bool(true)), .init("rx", tables)])
    case .failed(let text):
      .object([
        .init("version", .integer(ControlRequest.version)), .init("ok", .bool(false)), .init("error", .string(text)),
      ])
    }
  }

  package init(_ json: JSONValue) throws(ControlError) {
    guard let isGood = json["ok"]?.bool else { throw .malformed }
    guard isGood else {
      self = .failed(json["error"]?.string ?? "refused")
      return
    }
    if let tables = json["rx"] {
      self = .rx(tables)
      return
    }
    if let tokens = json["tokens"]?.array {
      self = .tokens(tokens.map(TokenStatus.init))
      return
    }
    self = json["status"].map { .status(MountStatus($0)) } ?? .done
  }
}

package enum ControlError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The socket's folder cannot be made or is not ours alone.
  case badFolder(String, reason: String)
  /// The socket's folder cannot be made where XDG_RUNTIME_DIR, with this value, says.
  case badEnvironment(String?, path: String, errno: Int32)
  /// What listens there is not the daemon of him whose folder it is in. Nothing was sent to it.
  case foreignDaemon(String, user: UInt32, owner: UInt32)
  /// Another daemon serves this mount point.
  case inUse(String)
  /// No daemon serves this mount point.
  case absent
  /// A daemon serves the mount point, and nobody listens where it says that it does.
  case unreachable
  case system(String, errno: Int32)
  case timedOut
  case malformed
  case refused(String)

  package var description: String {
    switch self {
    case .badFolder(let path, let reason):
      "\(path) \(reason): nothing is sent to daemons there; have it removed, or set XDG_RUNTIME_DIR to a folder of yours"
    case .badEnvironment(let value, let path, let code):
      "no control socket can be made in \(path): \(errorText(code)) (XDG_RUNTIME_DIR is "
        + "\(value.map { "'\($0)'" } ?? "not set"): it must be the whole path of a folder of yours)"
    case .foreignDaemon(let path, let user, let owner):
      "\(path): a process of user id \(user) listens there instead of one of \(owner)'s: nothing was sent to it"
    case .inUse(let path): "a daemon already serves this mount point (\(path))"
    case .absent: "no daemon serves this mount point"
    case .unreachable:
      "the daemon lives, but its control socket does not: it was removed, or lies in another mount namespace"
    case .system(let path, let code): "\(path): \(errorText(code))"
    case .timedOut: "the daemon does not answer"
    case .malformed: "the daemon's answer is malformed"
    case .refused(let text): text
    }
  }
}
