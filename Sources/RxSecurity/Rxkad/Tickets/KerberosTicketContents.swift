import AFSBase
import AFSTypes
import RxCore

/// What lies encrypted in a Kerberos 5 ticket (RFC 4120 section 5.3, EncTicketPart), as far as rxkad wants it.
struct KerberosTicketContents {
  typealias Tag = DERReader.Tag

  /// The ticket flag `invalid`: postdated and not yet validated.
  static let invalidFlag: UInt8 = 0x01

  var isInvalid: Bool
  var keyType: Int32
  var key: SecretBytes
  var realm: String
  var components: [String]
  /// Seconds since 1970.
  var starts: Int64
  var ends: Int64

  init(
    isInvalid: Bool, keyType: Int32, key: SecretBytes, realm: String, components: [String], starts: Int64, ends: Int64
  ) {
    self.isInvalid = isInvalid
    self.keyType = keyType
    self.key = key
    self.realm = realm
    self.components = components
    self.starts = starts
    self.ends = ends
  }

  init(_ bytes: UnsafeRawBufferPointer) throws(DERReader.Failure) {
    var reader = DERReader(bytes)
    var outer = try reader.inside(Tag.application(3))
    var part = try outer.inside(Tag.sequence)
    let flags = try part.required(0, Tag.bitString)
    // The first byte counts unused bits; `invalid` is bit 7 of the flags, the lowest of their first byte.
    isInvalid = flags.count > 1 && flags[1] & Self.invalidFlag != 0
    var sessionKey = DERReader(try part.required(1, Tag.sequence))
    keyType = Int32(truncatingIfNeeded: try DERReader.integer(sessionKey.required(0, Tag.integer)))
    key = SecretBytes(try sessionKey.required(1, Tag.octetString))
    realm = try DERReader.string(part.required(2, Tag.generalString))
    components = try Self.components(part.required(3, Tag.sequence))
    try part.skip(4)
    let authenticated = try DERReader.time(part.required(5, Tag.generalizedTime))
    starts = try part.field(6, Tag.generalizedTime).map(DERReader.time) ?? authenticated
    ends = try DERReader.time(part.required(7, Tag.generalizedTime))
  }

  /// Names with more parts than two are no clients of AFS; a limit keeps hostile ones short.
  private static let componentsMax = 8

  private static func components(_ principal: UnsafeRawBufferPointer) throws(DERReader.Failure) -> [String] {
    var reader = DERReader(principal)
    _ = try reader.required(0, Tag.integer)
    var names = DERReader(try reader.required(1, Tag.sequence))
    var components: [String] = []
    while names.nextTag != nil {
      guard components.count < componentsMax else { throw .badValue }
      components.append(try DERReader.string(names.element(Tag.generalString)))
    }
    return components
  }

  var bytes: [UInt8] {
    var part: [UInt8] = []
    part += DERWriter.field(0, Tag.bitString, [0, isInvalid ? Self.invalidFlag : 0, 0, 0, 0])
    part += DERWriter.field(
      1, Tag.sequence,
      DERWriter.field(0, Tag.integer, DERWriter.integer(Int64(keyType)))
        + DERWriter.field(1, Tag.octetString, key.withUnsafeBytes { Array($0) }))
    part += DERWriter.field(2, Tag.generalString, Array(realm.utf8))
    part += DERWriter.field(3, Tag.sequence, Self.principal(components))
    // No realms were passed through: transited type 0, empty.
    part += DERWriter.field(
      4, Tag.sequence, DERWriter.field(0, Tag.integer, [0]) + DERWriter.field(1, Tag.octetString, []))
    part += DERWriter.field(5, Tag.generalizedTime, DERWriter.time(starts))
    part += DERWriter.field(6, Tag.generalizedTime, DERWriter.time(starts))
    part += DERWriter.field(7, Tag.generalizedTime, DERWriter.time(ends))
    return DERWriter.element(Tag.application(3), DERWriter.element(Tag.sequence, part))
  }

  /// NT-PRINCIPAL (RFC 4120 section 6.2) with these names.
  static func principal(_ components: [String]) -> [UInt8] {
    let names = components.flatMap { DERWriter.element(Tag.generalString, Array($0.utf8)) }
    return DERWriter.field(0, Tag.integer, [1]) + DERWriter.field(1, Tag.sequence, names)
  }

  // MARK: As rxkad understands it

  /// - Throws: RXKADNOAUTH, RXKADEXPIRED, RXKADBADTICKET, RXKADBADKEY.
  func ticket(now: WallTime) throws(RxSecurityFailure) -> RxkadTicket {
    let client = try principal()
    let sessionKey: SecretBytes
    do throws(RxSecurityFailure) {
      sessionKey = try RxkadKeyDerivation.sessionKey(enctype: keyType, key: key)
    } catch {
      throw RxSecurityFailure(code: .rxkadBadTicket, reason: error.reason)
    }
    guard !isInvalid else { throw RxSecurityFailure(code: .rxkadNoAuth, reason: "a ticket is not valid yet") }
    guard now.seconds <= ends else { throw RxSecurityFailure(code: .rxkadExpired, reason: "a ticket has expired") }
    return RxkadTicket(client: client, sessionKey: sessionKey, starts: starts, ends: ends)
  }

  private func principal() throws(RxSecurityFailure) -> RxPrincipal {
    guard let first = components.first, (1...2).contains(components.count) else {
      throw KerberosTicket.bad("names a client of \(components.count) parts")
    }
    // `a.b` and `a/b` would be the same user.
    guard !first.contains(".") else { throw KerberosTicket.bad("names a client with a dot in its name") }
    guard let principal = KerberosPrincipalConversion.principal(components, realm: realm) else {
      throw KerberosTicket.bad("names a service without a domain")
    }
    guard [principal.name, principal.instance, principal.cell].allSatisfy({ $0.utf8.count < 64 }) else {
      throw KerberosTicket.bad("names a client that is too long")
    }
    return principal
  }
}
