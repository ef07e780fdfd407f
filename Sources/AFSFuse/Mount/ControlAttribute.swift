import CLinuxShims
import Glibc

/// The extended attribute by which a mount tells where its daemon can be asked: the path of the control socket.
///
/// Each file of the mount answers it, of which a bind mount may show a part only. No list has it: `cp -a` and `rsync -X`
/// would copy it.
package enum ControlAttribute {
  package static let name = "afsfuse.control"

  package enum Answer: Hashable, Sendable {
    case socket(String)
    /// Whoever served the mount is gone.
    case dead
    /// Something serves the mount that knows no such attribute.
    case unknown
    /// The kernel does not let this user ask.
    case refused
    /// Nothing came in time, or an error that tells nothing.
    case silent
  }

  /// Asks the mount at `path`. Waits for as long as whoever serves it makes us wait, even against signals.
  package static func read(at path: String) -> Answer {
    var value = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = Int(afsfuse_attribute(path, name, &value, value.count))
    if count > 0 { return .socket(String(decoding: value[..<count], as: UTF8.self)) }
    switch Int32(-count) {
    case 0, EOPNOTSUPP, ENODATA, ENOSYS: return isDead(path) ? .dead : .unknown
    case let code: return answer(code)
    }
  }

  private static func answer(_ code: Int32) -> Answer {
    switch code {
    // A request that the daemon's end overtakes is aborted; a session that never came about refuses.
    case ENOTCONN, ECONNABORTED, ECONNREFUSED: .dead
    case EACCES, EPERM: .refused
    default: .silent
    }
  }

  /// The kernel does not ask again who has said once that he knows no attributes.
  private static func isDead(_ path: String) -> Bool {
    let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if directory < 0 { return answer(errno) == .dead }
    close(directory)
    return false
  }
}

/// As a line, for the process that asks.
extension ControlAttribute.Answer {
  private static let prefix = "socket "

  package var line: String {
    switch self {
    case .socket(let path): Self.prefix + path
    case .dead: "dead"
    case .unknown: "unknown"
    case .refused: "refused"
    case .silent: "silent"
    }
  }

  /// What makes no sense is as good as silence.
  package init(line: String) {
    switch line {
    case "dead": self = .dead
    case "unknown": self = .unknown
    case "refused": self = .refused
    default: self = line.hasPrefix(Self.prefix + "/") ? .socket(String(line.dropFirst(Self.prefix.count))) : .silent
    }
  }
}
