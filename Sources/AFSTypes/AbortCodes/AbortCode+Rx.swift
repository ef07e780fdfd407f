/// Codes of Rx itself and of stubs (OpenAFS src/rx/rx.h, src/rxgen/rxgen_consts.h).
extension AbortCode {
  /// The peer showed no sign of life.
  public static let rxCallDead = AbortCode(-1)
  /// Data sent in the wrong direction or state.
  public static let rxInvalidOperation = AbortCode(-2)
  public static let rxCallTimeout = AbortCode(-3)
  public static let rxEOF = AbortCode(-4)
  public static let rxProtocolError = AbortCode(-5)
  /// The program gave the call up.
  public static let rxUserAbort = AbortCode(-6)
  public static let rxAddressInUse = AbortCode(-7)
  public static let rxMessageSize = AbortCode(-8)
  /// The server is starting; the same value as VRESTARTING.
  public static let rxRestarting = AbortCode(-100)

  /// The client could not encode its arguments.
  public static let rxgenClientMarshal = AbortCode(-450)
  /// The client could not decode the results.
  public static let rxgenClientUnmarshal = AbortCode(-451)
  /// The server could not encode its results.
  public static let rxgenServerMarshal = AbortCode(-452)
  /// The server could not decode the arguments.
  public static let rxgenServerUnmarshal = AbortCode(-453)
  public static let rxgenDecode = AbortCode(-454)
  /// The server does not know the procedure.
  public static let rxgenOpcode = AbortCode(-455)

  static let rxNames: [Int32: String] = [
    -1: "RX_CALL_DEAD", -2: "RX_INVALID_OPERATION", -3: "RX_CALL_TIMEOUT", -4: "RX_EOF", -5: "RX_PROTOCOL_ERROR",
    -6: "RX_USER_ABORT", -7: "RX_ADDRINUSE", -8: "RX_MSGSIZE", -9: "RX_CALL_IDLE", -10: "RX_CALL_BUSY",
    -100: "RX_RESTARTING", -450: "RXGEN_CC_MARSHAL", -451: "RXGEN_CC_UNMARSHAL", -452: "RXGEN_SS_MARSHAL",
    -453: "RXGEN_SS_UNMARSHAL", -454: "RXGEN_DECODE", -455: "RXGEN_OPCODE", -456: "RXGEN_SS_XDRFREE",
    -457: "RXGEN_CC_XDRFREE",
  ]
}

/// Codes of security classes (OpenAFS src/rxkad/rxkad_errs.et).
extension AbortCode {
  public static let rxkadInconsistency = AbortCode(19_270_400)
  public static let rxkadPacketShort = AbortCode(19_270_401)
  public static let rxkadLevelFail = AbortCode(19_270_402)
  public static let rxkadTicketLength = AbortCode(19_270_403)
  public static let rxkadOutOfSequence = AbortCode(19_270_404)
  public static let rxkadNoAuth = AbortCode(19_270_405)
  public static let rxkadBadKey = AbortCode(19_270_406)
  public static let rxkadBadTicket = AbortCode(19_270_407)
  public static let rxkadUnknownKey = AbortCode(19_270_408)
  public static let rxkadExpired = AbortCode(19_270_409)
  public static let rxkadSealedInconsistent = AbortCode(19_270_410)
  public static let rxkadDataLength = AbortCode(19_270_411)
  public static let rxkadIllegalLevel = AbortCode(19_270_412)
}
