public import AFSBase

/// What a ticket is made of, by whoever has the service's key: a mock cell, or a test in place of a KDC.
public struct KerberosTicketRequest {
  public var realm: String
  /// The client's name in parts: `["alice"]`, `["alice", "admin"]`.
  public var client: [String]
  public var service: [String]
  /// The session key as Kerberos has it; rxkad's own is derived from it.
  public var sessionKeyType: Int32
  public var sessionKey: SecretBytes
  /// Seconds since 1970.
  public var starts: Int64
  public var ends: Int64
  /// The ticket flag `invalid`.
  public var isInvalid = false

  public init(
    realm: String, client: [String], service: [String], sessionKeyType: Int32, sessionKey: SecretBytes, starts: Int64,
    ends: Int64
  ) {
    self.realm = realm
    self.client = client
    self.service = service
    self.sessionKeyType = sessionKeyType
    self.sessionKey = sessionKey
    self.starts = starts
    self.ends = ends
  }
}

extension KerberosTicket {
  /// Encrypts a ticket with a service's key.
  /// - Parameter isWhole: a whole ticket (type 256), else its encrypted part (type 213).
  /// - Returns: nil when libcrypto refuses the encryption type or the key does not fit it.
  public static func seal(
    _ request: KerberosTicketRequest, key: SecretBytes, keyVersion: UInt32, enctype: Int32, isWhole: Bool = true,
    using generator: inout some RandomNumberGenerator
  ) -> SecretBytes? {
    let contents = KerberosTicketContents(
      isInvalid: request.isInvalid, keyType: request.sessionKeyType, key: request.sessionKey, realm: request.realm,
      components: request.client, starts: request.starts, ends: request.ends)
    guard let cipher = KerberosCipher.encrypt(contents.bytes, enctype: enctype, key: key, using: &generator) else {
      return nil
    }
    let part =
      DERWriter.field(0, Tag.integer, DERWriter.integer(Int64(enctype)))
      + DERWriter.field(1, Tag.integer, DERWriter.integer(Int64(keyVersion)))
      + DERWriter.field(2, Tag.octetString, cipher)
    guard isWhole else { return SecretBytes(DERWriter.element(Tag.sequence, part)) }
    let ticket =
      DERWriter.field(0, Tag.integer, [5]) + DERWriter.field(1, Tag.generalString, Array(request.realm.utf8))
      + DERWriter.field(2, Tag.sequence, KerberosTicketContents.principal(request.service))
      + DERWriter.field(3, Tag.sequence, part)
    return SecretBytes(DERWriter.element(Tag.application(1), DERWriter.element(Tag.sequence, ticket)))
  }
}
