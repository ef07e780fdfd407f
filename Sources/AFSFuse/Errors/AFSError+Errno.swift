package import AFSClient
import Glibc

extension AFSError {
  /// The errno that users and tools see: the only place where it is decided.
  package var errno: Int32 {
    switch self {
    case .notFound: ENOENT
    case .alreadyExists: EEXIST
    case .notDirectory: ENOTDIR
    case .isDirectory: EISDIR
    case .notEmpty: ENOTEMPTY
    case .nameTooLong: ENAMETOOLONG
    case .invalidArgument, .invalidName, .notSymbolicLink: EINVAL
    case .crossDevice: EXDEV
    case .tooManyLinks: EMLINK
    case .fileTooLarge: EFBIG
    case .directoryFull, .noSpace: ENOSPC
    case .tooManySymbolicLinks: ELOOP
    case .notSupported: EOPNOTSUPP
    case .notPermitted: EPERM
    case .accessDenied: EACCES
    case .readOnly: EROFS
    case .busy: EBUSY
    case .wouldBlock: EAGAIN
    case .interrupted: EINTR
    case .noAttribute: ENODATA
    case .quotaExceeded: EDQUOT
    case .stale: ESTALE
    case .noSuchCell, .noSuchVolume: ENODEV
    case .volumeOffline: ENXIO
    case .timedOut: ETIMEDOUT
    case .unreachable: EHOSTUNREACH
    case .tokenExpired: EKEYEXPIRED
    case .corrupt, .aborted: EIO
    // A full cache disk is something that the user can mend; any other failure is one of input or output.
    case .cacheFailure(let code): code == ENOSPC ? ENOSPC : EIO
    // An errno out of range would be taken for a broken reply by the kernel.
    case .system(let code): (1...4095).contains(code) ? code : EIO
    case .shutDown: ENOTCONN
    }
  }
}
