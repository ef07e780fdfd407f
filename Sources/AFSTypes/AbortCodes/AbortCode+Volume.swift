/// What file servers say of volumes and vnodes (OpenAFS src/util/errors.h).
extension AbortCode {
  /// The server is starting up: try again soon.
  public static let vRestarting = AbortCode(-100)
  /// The volume must be salvaged first.
  public static let vSalvage = AbortCode(101)
  /// No such vnode, or its uniquifier is another.
  public static let vNoVnode = AbortCode(102)
  /// The server does not have the volume, or not online.
  public static let vNoVol = AbortCode(103)
  public static let vVolExists = AbortCode(104)
  /// The volume is not in service; old servers also ended idle calls with it.
  public static let vNoService = AbortCode(105)
  public static let vOffline = AbortCode(106)
  public static let vOnline = AbortCode(107)
  /// The server's partition is full.
  public static let vDiskFull = AbortCode(108)
  /// The volume's quota is used up.
  public static let vOverQuota = AbortCode(109)
  /// The volume is in use by an operation: try again soon.
  public static let vBusy = AbortCode(110)
  /// The volume has moved to another server: ask the location service.
  public static let vMoved = AbortCode(111)
  /// The vnode cannot be reached for now, but is not known to be damaged.
  public static let vIO = AbortCode(112)
  /// The volume is being salvaged (demand-attach servers).
  public static let vSalvaging = AbortCode(113)
  /// The volume may not use one of the residencies asked for (hierarchical storage).
  public static let vRestricted = AbortCode(120)
  /// Defined beside the next one, sent by no OpenAFS server (OpenAFS src/fsint/afsint.xg).
  public static let viceConnectionBad = AbortCode(1234)
  /// The token behind the connection has expired (OpenAFS src/viced/host.c, GetClient).
  public static let viceTokenDead = AbortCode(1235)

  static let volumeNames: [Int32: String] = [
    101: "VSALVAGE", 102: "VNOVNODE", 103: "VNOVOL", 104: "VVOLEXISTS", 105: "VNOSERVICE", 106: "VOFFLINE",
    107: "VONLINE", 108: "VDISKFULL", 109: "VOVERQUOTA", 110: "VBUSY", 111: "VMOVED", 112: "VIO", 113: "VSALVAGING",
    -100: "VRESTARTING", 120: "VRESTRICTED", 1234: "VICECONNBAD", 1235: "VICETOKENDEAD",
  ]
}

/// What database servers say (OpenAFS src/vlserver/vl_errors.et, src/ptserver/pterror.et, src/ubik/uerrors.et).
extension AbortCode {
  /// No such volume in the location database.
  public static let vlNoEntry = AbortCode(363_524)
  public static let vlBadName = AbortCode(363_527)
  public static let vlBadIndex = AbortCode(363_528)
  public static let vlBadVolumeType = AbortCode(363_529)
  public static let vlPermission = AbortCode(363_546)
  public static let vlBadMask = AbortCode(363_551)

  /// No such user or group.
  public static let prNoEntry = AbortCode(267_268)
  public static let prPermission = AbortCode(267_269)
  public static let prBadName = AbortCode(267_272)
  public static let prBadArgument = AbortCode(267_273)

  /// The database has no majority of its servers.
  public static let ubikNoQuorum = AbortCode(5376)
  /// The server asked is not the one that may write.
  public static let ubikNotSyncSite = AbortCode(5377)
}
