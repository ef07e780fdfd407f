import AFSTypes
import Glibc

extension StorageError {
  /// What OpenAFS's fileserver sends for it, to clients that take universal error codes.
  var abortCode: AbortCode {
    switch self {
    case .noSuchVolume: .vNoVol
    case .noSuchVnode: .vNoVnode
    case .overQuota: .vOverQuota
    case .notFound: universal(ENOENT)
    case .exists: universal(EEXIST)
    case .notDirectory: universal(ENOTDIR)
    case .isDirectory: universal(EISDIR)
    case .notEmpty: universal(ENOTEMPTY)
    case .accessDenied: universal(EACCES)
    case .readOnly: universal(EROFS)
    case .nameTooLong: universal(ENAMETOOLONG)
    case .invalid: universal(EINVAL)
    case .crossDevice: universal(EXDEV)
    case .directoryFull: universal(EFBIG)
    case .locked: universal(EWOULDBLOCK)
    }
  }

  private func universal(_ errno: Int32) -> AbortCode { AbortCode.uae(errno) ?? AbortCode(errno) }
}
