public import AFSBase
import AFSTypes
public import RxCore

/// What a server finds in a ticket of any kind.
public struct RxkadTicket: Hashable, Sendable {
  public var client: RxPrincipal
  /// 8 bytes, whatever the ticket held.
  public var sessionKey: SecretBytes
  /// Seconds since 1970; 0 for a ticket without a beginning.
  public var starts: Int64
  /// Seconds since 1970; `never` for a ticket without an end.
  public var ends: Int64

  /// NEVERDATE (OpenAFS src/rxkad/rxkad.p.h).
  public static let never: Int64 = 0xFFFF_FFFF
  /// How far clocks of two machines may differ (rxkad.p.h, KTC_TIME_UNCERTAINTY).
  static let clockDifferenceMax: Int64 = 15 * 60
  /// No ticket is good for longer (rxkad.p.h, MAXKTCTICKETLIFETIME).
  public static let lifetimeMax: Int64 = 30 * 24 * 3600

  public init(client: RxPrincipal, sessionKey: SecretBytes, starts: Int64, ends: Int64) {
    self.client = client
    self.sessionKey = sessionKey
    self.starts = starts
    self.ends = ends
  }

  /// Opens a ticket with the server's key that it names.
  /// - Parameter keyVersion: as the response has it: which kind of ticket, or which key of a native one.
  static func open(
    _ bytes: UnsafeRawBufferPointer, keyVersion: UInt32, keys: RxkadServerKeys, now: WallTime
  ) throws(RxSecurityFailure) -> RxkadTicket {
    switch keyVersion {
    case RxkadCredential.kerberos5:
      return try KerberosTicket.open(whole: bytes, keys: keys, now: now)
    case RxkadCredential.kerberos5EncryptedPart:
      return try KerberosTicket.open(encryptedPart: bytes, keys: keys, now: now)
    default:
      guard let key = keys.key(version: keyVersion, enctype: RxkadServerKeys.des) else {
        throw RxSecurityFailure(
          code: .rxkadUnknownKey, reason: "a ticket is encrypted with the server's key \(keyVersion), which is unknown")
      }
      return try NativeTicket.open(bytes, key: key)
    }
  }

  /// Whether the ticket's times are possible, and now is among them (OpenAFS src/rxkad/ticket.c, tkt_CheckTimes).
  func checkTimes(now: WallTime) throws(RxSecurityFailure) {
    let isEndless = ends == Self.never
    guard starts < ends, starts <= now.seconds + Self.clockDifferenceMax + Self.lifetimeMax,
      starts == 0 || isEndless || ends - starts <= Self.lifetimeMax
    else {
      throw RxSecurityFailure(code: .rxkadBadTicket, reason: "a ticket's times are impossible")
    }
    guard isEndless || now.seconds <= ends + Self.clockDifferenceMax else {
      let isAncient = starts != 0 && now.seconds - starts > Self.lifetimeMax + 24 * 3600
      throw RxSecurityFailure(code: isAncient ? .rxkadBadTicket : .rxkadExpired, reason: "a ticket has expired")
    }
    guard starts - Self.clockDifferenceMax <= now.seconds else {
      throw RxSecurityFailure(code: .rxkadNoAuth, reason: "a ticket's time has not come yet")
    }
  }
}
