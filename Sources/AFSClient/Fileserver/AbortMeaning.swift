package import AFSTypes
import Glibc
package import RxCore

extension AFSError {
  /// What an abort code means to whoever asked for the operation, once no other server can help.
  package init(_ code: AbortCode) {
    switch code {
    case .vNoVnode: self = .stale
    case .vNoVol, .vMoved: self = .noSuchVolume
    case .vSalvage, .vOffline, .vNoService, .vSalvaging, .vRestarting: self = .volumeOffline
    case .vBusy: self = .busy
    case .vDiskFull: self = .noSpace
    case .vOverQuota: self = .quotaExceeded
    case .vIO: self = .system(EIO)
    case .vRestricted, .vlPermission, .prPermission: self = .accessDenied
    case .rxkadExpired, .viceTokenDead: self = .tokenExpired
    case .vlNoEntry, .vlBadName: self = .noSuchVolume
    case .rxgenOpcode: self = .notSupported
    case .rxCallDead, .rxCallTimeout, .ubikNoQuorum, .ubikNotSyncSite: self = .timedOut
    default:
      // The security class refused: a ticket or key that this server does not take.
      if AbortCode.rxkadInconsistency.rawValue...AbortCode.rxkadIllegalLevel.rawValue ~= code.rawValue {
        self = .accessDenied
        return
      }
      guard let errno = code.posixErrno else {
        self = .aborted(code)
        return
      }
      self = AFSError(posix: errno)
    }
  }

  /// The case for an errno that a server sent.
  init(posix errno: Int32) {
    self =
      switch errno {
      case EPERM: .notPermitted
      case ENOENT: .notFound
      case EINTR: .interrupted
      case EACCES: .accessDenied
      case EBUSY: .busy
      case EEXIST: .alreadyExists
      case EXDEV: .crossDevice
      case ENODEV: .noSuchVolume
      case ENOTDIR: .notDirectory
      case EISDIR: .isDirectory
      case EINVAL: .invalidArgument
      case EFBIG: .fileTooLarge
      case ENOSPC: .noSpace
      case EROFS: .readOnly
      case EMLINK: .tooManyLinks
      case ENAMETOOLONG: .nameTooLong
      case ENOTEMPTY: .notEmpty
      case ELOOP: .tooManySymbolicLinks
      case EWOULDBLOCK: .wouldBlock
      case EOPNOTSUPP, ENOSYS: .notSupported
      case ETIMEDOUT: .timedOut
      case EHOSTUNREACH, ENETUNREACH, ECONNREFUSED: .unreachable
      case EDQUOT: .quotaExceeded
      case ESTALE: .stale
      default: .system(errno)
      }
  }

  /// What a failed call means when nothing else can be tried.
  package init(_ error: RxCallError) {
    switch error {
    case .aborted(let code), .abortedLocally(let code): self = AFSError(code)
    case .timedOut: self = .timedOut
    case .unreachable: self = .unreachable
    case .protocolViolation(let text), .misuse(let text), .malformedReply(let text): self = .corrupt(text)
    case .cancelled: self = .interrupted
    case .tooManyCalls: self = .busy
    case .shutDown: self = .shutDown
    case .security: self = .accessDenied
    }
  }
}
