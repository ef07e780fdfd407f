public import AFSBase

/// What a client of rxkad needs to prove who it is to one cell's servers: a ticket, which only they can read, and the
/// session key that lies in it. Printing it shows neither.
public struct RxkadCredential: Hashable, Sendable, CustomStringConvertible {
  /// What kind of ticket it is, in the protocol's field for a key version number: `kerberos5`,
  /// `kerberos5EncryptedPart`, or for native tickets, up to 255, the version of the server's key.
  public var keyVersion: UInt32
  /// The 8 bytes of the session key, as `RxkadKeyDerivation` makes them of a Kerberos session key.
  public var sessionKey: SecretBytes
  public var ticket: SecretBytes
  /// When the ticket ends; nil when it does not, or when that is not known.
  public var expires: WallTime?

  /// The ticket is a whole Kerberos 5 ticket (OpenAFS src/rxkad/rxkad.p.h, RXKAD_TKT_TYPE_KERBEROS_V5).
  public static let kerberos5: UInt32 = 256
  /// The ticket is the encrypted part of one (RXKAD_TKT_TYPE_KERBEROS_V5_ENCPART_ONLY).
  public static let kerberos5EncryptedPart: UInt32 = 213
  /// Bytes of a session key.
  public static let sessionKeyByteCount = 8
  /// Bytes of a ticket that servers take (OpenAFS src/rxkad/rxkad.p.h, MINKTCTICKETLEN and MAXKTCTICKETLEN).
  public static let ticketByteCounts = 32...12000

  public init(keyVersion: UInt32, sessionKey: SecretBytes, ticket: SecretBytes, expires: WallTime? = nil) {
    self.keyVersion = keyVersion
    self.sessionKey = sessionKey
    self.ticket = ticket
    self.expires = expires
  }

  public var description: String { "rxkad credential (ticket type \(keyVersion))" }
}
