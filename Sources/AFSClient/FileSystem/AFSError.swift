public import AFSTypes
import Glibc

/// Why a file system operation failed: what users and tools must be able to tell apart.
///
/// The front end turns each case into an errno by one exhaustive switch.
public enum AFSError: Error, Hashable, Sendable {
  // What the caller did
  case notFound
  case alreadyExists
  case notDirectory
  case isDirectory
  case notEmpty
  case nameTooLong
  case invalidArgument
  case invalidName
  case crossDevice
  case tooManyLinks
  case fileTooLarge
  /// The directory has no room for another name (AFS-3: 64,435 short names).
  case directoryFull
  case tooManySymbolicLinks
  case notSupported
  case notPermitted
  case accessDenied
  case readOnly
  case busy
  case wouldBlock
  case interrupted
  case notSymbolicLink
  case noAttribute
  // What the server or the volume lacks
  case quotaExceeded
  case noSpace
  /// The file was removed or replaced on the server: tools should look the name up again (ESTALE).
  case stale
  case noSuchCell
  case noSuchVolume
  case volumeOffline
  /// No server of the volume answers within the time limit (ETIMEDOUT) or the network refuses (EHOSTUNREACH).
  case timedOut
  case unreachable
  case tokenExpired
  // Trouble
  /// The server sent something that cannot be right, a malformed directory for one; the text goes to the log.
  case corrupt(String)
  /// The cache's disk failed or is full.
  case cacheFailure(Int32)
  /// An abort code without a better meaning.
  case aborted(AbortCode)
  /// An errno that the server reported and that has no case of its own.
  case system(Int32)
  case shutDown
}

/// For logs and messages, where errno's words would say less.
extension AFSError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notFound: "there is no such file or folder"
    case .alreadyExists: "the name is there already"
    case .notDirectory: "not a folder"
    case .isDirectory: "a folder"
    case .notEmpty: "the folder is not empty"
    case .nameTooLong: "the name is too long"
    case .invalidArgument: "invalid argument"
    case .invalidName: "AFS cannot have such a name"
    case .crossDevice: "in another volume or folder"
    case .tooManyLinks: "too many links"
    case .fileTooLarge: "the file is too large"
    case .directoryFull: "the folder has no room for another name"
    case .tooManySymbolicLinks: "too many levels of symbolic links"
    case .notSupported: "AFS cannot do that"
    case .notPermitted: "not permitted"
    case .accessDenied: "permission denied"
    case .readOnly: "read-only"
    case .busy: "busy"
    case .wouldBlock: "somebody else holds a lock"
    case .interrupted: "interrupted"
    case .notSymbolicLink: "not a symbolic link"
    case .noAttribute: "there is no such attribute"
    default: troubleDescription
    }
  }

  /// What the servers, the volume or this host lack.
  private var troubleDescription: String {
    switch self {
    case .quotaExceeded: "the volume's quota is exceeded"
    case .noSpace: "no space is left on the server's partition"
    case .stale: "the file was removed or replaced on the server"
    case .noSuchCell: "there is no such cell"
    case .noSuchVolume: "there is no such volume"
    case .volumeOffline: "the volume is offline"
    case .timedOut: "no server of the volume answers"
    case .unreachable: "the volume's servers cannot be reached"
    case .tokenExpired: "the token has ended: run kinit, or afsfuse aklog"
    case .corrupt(let text): text
    case .cacheFailure(let errno): "the cache failed: \(String(cString: strerror(errno)))"
    case .aborted(let code): "the server gave \(code.descriptionInAFS)"
    case .system(let errno): String(cString: strerror(errno))
    case .shutDown: "the client is shut down"
    default: "failed"
    }
  }
}
