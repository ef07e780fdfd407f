import AFSTypes
import Glibc
import Testing

@Suite struct AbortCodeTests {
  /// The C library's own name of an errno, which Swift's Glibc module does not import.
  static func errnoName(_ number: Int32) -> String? {
    typealias Function = @convention(c) (Int32) -> UnsafePointer<CChar>?
    guard let symbol = dlsym(nil, "strerrorname_np") else { return nil }
    return unsafeBitCast(symbol, to: Function.self)(number).map { String(cString: $0) }
  }

  @Test("Every universal error code gives the errno of the same name", arguments: 0..<130 as Range<Int32>)
  func universalErrors(index: Int32) throws {
    let code = AbortCode(AbortCode.uaeBase + index)
    let errno = try #require(code.posixErrno)
    #expect(code.name.hasPrefix("UAE"))
    let name = "E" + code.name.dropFirst(3)
    let aliases = [
      "EWOULDBLOCK": "EAGAIN", "ENOTSUP": "EOPNOTSUPP", "EOTHER": "EIO", "EPROCLIM": "EAGAIN", "EDISCON": "ESHUTDOWN",
    ]
    #expect(Self.errnoName(errno) == aliases[name, default: name])
  }

  @Test("Beyond the universal error codes there is none")
  func universalBounds() {
    #expect(AbortCode(AbortCode.uaeBase - 1).posixErrno == nil)
    #expect(AbortCode(AbortCode.uaeBase + 130).posixErrno == nil)
    #expect(AbortCode(.max).posixErrno == nil)
    #expect(AbortCode(.min).posixErrno == nil)
  }

  @Test(
    "Codes seen from real servers",
    arguments: [
      (49_733_392, "UAEEXIST", EEXIST), (49_733_414, "UAENOTEMPTY", ENOTEMPTY),
      (49_733_496, "UAEDQUOT", EDQUOT), (49_733_388, "UAEACCES", EACCES), (49_733_378, "UAESRCH", ESRCH),
    ] as [(Int32, String, Int32)])
  func known(code: Int32, name: String, errno: Int32) {
    #expect(AbortCode(code).name == name)
    #expect(AbortCode(code).posixErrno == errno)
  }

  @Test(
    "An errno becomes a universal error code and comes back", arguments: [EPERM, ENOENT, EEXIST, ENOTEMPTY, EDQUOT])
  func fromErrno(errno: Int32) throws {
    #expect(try #require(AbortCode.uae(errno)).posixErrno == errno)
  }

  @Test("An errno unknown to the table has no universal error code")
  func unknownErrno() {
    #expect(AbortCode.uae(4000) == nil)
  }

  @Test("Small codes are errno values as they are", arguments: [EPERM, EACCES, EFBIG, EROFS, ENOTEMPTY])
  func smallCodes(errno: Int32) {
    #expect(AbortCode(errno).posixErrno == errno)
    #expect(AbortCode(errno).name == Self.errnoName(errno))
  }

  @Test("Full disk and full quota are errno values in disguise; what asks for an action is none")
  func volumeCodes() {
    #expect(AbortCode.vDiskFull.posixErrno == ENOSPC)
    #expect(AbortCode.vOverQuota.posixErrno == EDQUOT)
    let actions: [AbortCode] = [
      .vSalvage, .vNoVnode, .vNoVol, .vVolExists, .vNoService, .vOffline, .vOnline, .vBusy, .vMoved, .vIO, .vSalvaging,
      .vRestricted, .vRestarting, .viceTokenDead, .rxCallDead, .rxgenOpcode, .rxkadExpired, .vlNoEntry, .prNoEntry,
      .ubikNoQuorum,
    ]
    for code in actions { #expect(code.posixErrno == nil, "\(code)") }
  }

  @Test(
    "Names are OpenAFS's",
    arguments: [
      (.vBusy, "VBUSY"), (.vRestarting, "VRESTARTING"), (.rxCallDead, "RX_CALL_DEAD"), (.rxgenOpcode, "RXGEN_OPCODE"),
      (.rxkadInconsistency, "RXKADINCONSISTENCY"), (.rxkadNoAuth, "RXKADNOAUTH"),
      (.rxkadUnknownKey, "RXKADUNKNOWNKEY"), (.rxkadExpired, "RXKADEXPIRED"),
      (.rxkadIllegalLevel, "RXKADILLEGALLEVEL"), (.vlNoEntry, "VL_NOENT"), (.vlBadName, "VL_BADNAME"),
      (.vlBadIndex, "VL_BADINDEX"), (.vlBadVolumeType, "VL_BADVOLTYPE"), (.vlPermission, "VL_PERM"),
      (.vlBadMask, "VL_BADMASK"), (.prNoEntry, "PRNOENT"), (.prPermission, "PRPERM"), (.prBadName, "PRBADNAM"),
      (.prBadArgument, "PRBADARG"), (.ubikNoQuorum, "UNOQUORUM"), (.ubikNotSyncSite, "UNOTSYNC"),
      (AbortCode(1_233_242_880), "RXGK_INCONSISTENCY"), (AbortCode(1_492_325_120), "VOLSERTRELE_ERROR"),
      (AbortCode(-99), "-99"),
    ] as [(AbortCode, String)])
  func names(code: AbortCode, name: String) {
    #expect(code.name == name)
  }

  @Test("A description has number and name, the number once")
  func description() {
    #expect(AbortCode.vBusy.descriptionInAFS == "abort code 110 (VBUSY)")
    #expect(AbortCode(-99).descriptionInAFS == "abort code -99")
    #expect(AbortCode(-99).description == "abort code -99")
  }

  @Test("A service's code, which may be anybody's, is said to be AFS's; Rx's own are not")
  func foreign() {
    #expect(AbortCode(1234).description == "abort code 1234 (VICECONNBAD in AFS)")
    #expect(AbortCode(2).description == "abort code 2 (ENOENT in AFS)")
    #expect(AbortCode.rxRestarting.description == "abort code -100 (RX_RESTARTING)")
    #expect(AbortCode.rxgenOpcode.description == "abort code -455 (RXGEN_OPCODE)")
    #expect(AbortCode.rxkadExpired.description == "abort code 19270409 (RXKADEXPIRED)")
    #expect(AbortCode(1_233_242_880).description == "abort code 1233242880 (RXGK_INCONSISTENCY)")
  }
}
