import AFSClient
import AFSFuse
import AFSTypes
import Glibc
import Testing

@Suite struct ErrnoTests {
  @Test(
    "What users must tell apart has an errno of its own",
    arguments: [
      (.notFound, ENOENT), (.quotaExceeded, EDQUOT), (.noSpace, ENOSPC), (.stale, ESTALE), (.timedOut, ETIMEDOUT),
      (.unreachable, EHOSTUNREACH), (.noSuchCell, ENODEV), (.noSuchVolume, ENODEV), (.interrupted, EINTR),
      (.crossDevice, EXDEV), (.accessDenied, EACCES), (.notEmpty, ENOTEMPTY), (.readOnly, EROFS),
      (.cacheFailure(ENOSPC), ENOSPC), (.cacheFailure(EIO), EIO), (.corrupt("directory"), EIO),
      (.aborted(AbortCode(77)), EIO), (.system(EUSERS), EUSERS),
    ] as [(AFSError, Int32)])
  func errno(error: AFSError, code: Int32) {
    #expect(error.errno == code)
  }

  @Test("An errno that the kernel would not take becomes EIO", arguments: [0, -2, 4096, Int32.max])
  func range(code: Int32) {
    #expect(AFSError.system(code).errno == EIO)
  }
}
