import AFSTypes
import Glibc
import Testing

@testable import AFSClient

@Suite struct AbortMeaningTests {
  @Test(
    "Codes of the services have their meaning",
    arguments: [
      (.vSalvage, .volumeOffline), (.vNoVnode, .stale), (.vNoVol, .noSuchVolume), (.vNoService, .volumeOffline),
      (.vOffline, .volumeOffline), (.vDiskFull, .noSpace), (.vOverQuota, .quotaExceeded), (.vBusy, .busy),
      (.vMoved, .noSuchVolume), (.vIO, .system(EIO)), (.vSalvaging, .volumeOffline), (.vRestricted, .accessDenied),
      (.vRestarting, .volumeOffline), (.viceTokenDead, .tokenExpired),
      (.vlNoEntry, .noSuchVolume), (.vlBadName, .noSuchVolume), (.vlPermission, .accessDenied),
      (.prPermission, .accessDenied), (.ubikNoQuorum, .timedOut), (.ubikNotSyncSite, .timedOut),
      (.rxCallDead, .timedOut), (.rxCallTimeout, .timedOut), (.rxgenOpcode, .notSupported),
      (.rxkadExpired, .tokenExpired),
    ] as [(AbortCode, AFSError)])
  func services(code: AbortCode, error: AFSError) {
    #expect(AFSError(code) == error)
  }

  @Test(
    "Codes without a meaning for files are kept as they are",
    arguments: [
      .vVolExists, .vOnline, .viceConnectionBad, .rxgenServerUnmarshal, .rxEOF, .vlBadMask, .prNoEntry,
      AbortCode(0), AbortCode(.min), AbortCode(.max), AbortCode(999_999),
    ])
  func kept(code: AbortCode) {
    #expect(AFSError(code) == .aborted(code))
  }

  @Test("Every code of rxkad but the expired ticket refuses access")
  func rxkad() {
    for raw in AbortCode.rxkadInconsistency.rawValue...AbortCode.rxkadIllegalLevel.rawValue {
      let code = AbortCode(raw)
      #expect(AFSError(code) == (code == .rxkadExpired ? .tokenExpired : .accessDenied))
    }
    #expect(AFSError(AbortCode(AbortCode.rxkadIllegalLevel.rawValue + 1)) != .accessDenied)
  }

  @Test("Every universal error code, and every errno up to 100, means an errno")
  func every() {
    for index in 0..<Int32(256) {
      let code = AbortCode(AbortCode.uaeBase + index)
      guard let errno = code.posixErrno else {
        #expect(AFSError(code) == .aborted(code))
        continue
      }
      #expect(AFSError(code) == AFSError(posix: errno))
    }
    for errno in Int32(1)...100 { #expect(AFSError(AbortCode(errno)) == AFSError(posix: errno)) }
  }

  @Test(
    "An errno means the same whether a server sends it raw or as universal error code",
    arguments: [
      (ENOENT, .notFound), (EACCES, .accessDenied), (EEXIST, .alreadyExists), (ENOTEMPTY, .notEmpty),
      (EXDEV, .crossDevice), (EROFS, .readOnly), (EFBIG, .fileTooLarge),
      (ENAMETOOLONG, .nameTooLong), (EIO, .system(EIO)), (EPERM, .notPermitted), (EBUSY, .busy),
      (ENOTDIR, .notDirectory), (EISDIR, .isDirectory), (EINVAL, .invalidArgument), (ENOSPC, .noSpace),
      (EMLINK, .tooManyLinks), (ELOOP, .tooManySymbolicLinks), (EAGAIN, .wouldBlock), (EINTR, .interrupted),
      (EOPNOTSUPP, .notSupported), (ENOSYS, .notSupported), (ENODEV, .noSuchVolume), (ENOMEM, .system(ENOMEM)),
    ] as [(Int32, AFSError)])
  func errnos(errno: Int32, error: AFSError) throws {
    // Above 100 a number is a volume code: servers send those errno values as universal codes only.
    if errno <= 100 { #expect(AFSError(AbortCode(errno)) == error) }
    #expect(AFSError(try #require(AbortCode.uae(errno))) == error)
  }
}
