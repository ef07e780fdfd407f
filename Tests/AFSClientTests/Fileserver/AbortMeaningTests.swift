import AFSTypes
import Glibc
import Testing

@testable import AFSClient

@Suite struct AbortMeaningTests {
  @Test(
    "Codes of the file service have their meaning",
    arguments: [
      (.vNoVnode, .stale), (.vNoVol, .noSuchVolume), (.vBusy, .busy), (.vOffline, .volumeOffline),
      (.vDiskFull, .noSpace), (.vOverQuota, .quotaExceeded), (.vlNoEntry, .noSuchVolume),
      (AbortCode.uae(EDQUOT)!, .quotaExceeded), (.rxkadExpired, .tokenExpired), (.rxgenOpcode, .notSupported),
      (AbortCode(999_999), .aborted(AbortCode(999_999))),
    ] as [(AbortCode, AFSError)])
  func services(code: AbortCode, error: AFSError) {
    #expect(AFSError(code) == error)
  }

  @Test(
    "An errno means the same whether a server sends it raw or as universal error code",
    arguments: [
      (ENOENT, .notFound), (EACCES, .accessDenied), (EEXIST, .alreadyExists), (ENOTEMPTY, .notEmpty),
      (EXDEV, .crossDevice), (EROFS, .readOnly), (EFBIG, .fileTooLarge),
      (ENAMETOOLONG, .nameTooLong), (EIO, .system(EIO)),
    ] as [(Int32, AFSError)])
  func errnos(errno: Int32, error: AFSError) throws {
    #expect(AFSError(AbortCode(errno)) == error)
    #expect(AFSError(try #require(AbortCode.uae(errno))) == error)
  }
}
