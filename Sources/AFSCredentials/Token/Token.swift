public import AFSBase
public import AFSTypes

/// What proves to one cell's servers who somebody is: a ticket that they can read, and the session key in it.
///
/// Key and ticket are `SecretBytes`: printing a token shows neither.
public struct Token: Hashable, Sendable {
  public var cell: CellName
  /// Kerberos' name of the user, `alice@EXAMPLE.COM`; empty where the source does not tell.
  public var principal: String
  /// The realm of the cell's servers; empty where the source does not tell.
  public var serviceRealm = ""
  /// The user's number at the cell's protection service; nil as long as nobody has asked.
  public var viceID: Int32?
  /// rxkad's field for what kind of ticket it is: 256 for a whole Kerberos 5 ticket, 213 for the encrypted part of one,
  /// any other number below 256 the version of the server's key of a native ticket (OpenAFS src/rxkad/rxkad.p.h).
  public var keyVersion: UInt32
  /// 8 bytes.
  public var sessionKey: SecretBytes
  public var ticket: SecretBytes
  /// nil where the source does not tell.
  public var begins: WallTime?
  public var expires: WallTime
  public var source: TokenSource

  /// Bytes of an rxkad session key.
  public static let sessionKeyByteCount = 8
  /// Bytes of a ticket at most (OpenAFS src/rxkad/rxkad.p.h, MAXKTCTICKETLEN; Linux include/keys/rxrpc-type.h,
  /// AFSTOKEN_RK_TIX_MAX).
  public static let ticketByteCountMax = 12_000

  public init(
    cell: CellName, principal: String, viceID: Int32?, keyVersion: UInt32, sessionKey: SecretBytes,
    ticket: SecretBytes, begins: WallTime?, expires: WallTime, source: TokenSource
  ) {
    self.cell = cell
    self.principal = principal
    self.viceID = viceID
    self.keyVersion = keyVersion
    self.sessionKey = sessionKey
    self.ticket = ticket
    self.begins = begins
    self.expires = expires
    self.source = source
  }

  public func isExpired(at now: WallTime) -> Bool { expires <= now }

  /// Whether two tokens stand for the same user in the same cell, so that what the one may the other may too.
  public func isSameUser(as other: Token) -> Bool {
    cell == other.cell && principal == other.principal && !principal.isEmpty
  }
}
