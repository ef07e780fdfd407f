import AFSBase
import AFSTypes
import RxCore

/// Kerberos 5 tickets (RFC 4120 section 5.3), opened by the service that they are for (OpenAFS src/rxkad/ticket5.c,
/// tkt_DecodeTicket5).
public enum KerberosTicket {
  typealias Tag = DERReader.Tag

  /// The ticket's outer part: which key opens it.
  struct EncryptedPart {
    var enctype: Int32
    /// 0 where the ticket has none.
    var keyVersion: UInt32
    var cipher: UnsafeRawBufferPointer
  }

  static func bad(_ what: String) -> RxSecurityFailure {
    RxSecurityFailure(code: .rxkadBadTicket, reason: "a Kerberos ticket \(what)")
  }

  static func open(
    whole bytes: UnsafeRawBufferPointer, keys: RxkadServerKeys, now: WallTime
  ) throws(RxSecurityFailure) -> RxkadTicket {
    let part: EncryptedPart
    do throws(DERReader.Failure) {
      var reader = DERReader(bytes)
      var outer = try reader.inside(Tag.application(1))
      var ticket = try outer.inside(Tag.sequence)
      guard try DERReader.integer(ticket.required(0, Tag.integer)) == 5 else { throw .badValue }
      _ = try ticket.required(1, Tag.generalString)
      _ = try ticket.required(2, Tag.sequence)
      part = try encryptedPart(ticket.required(3, Tag.sequence))
    } catch {
      throw bad("is malformed (\(error))")
    }
    return try open(part, keys: keys, now: now)
  }

  static func open(
    encryptedPart bytes: UnsafeRawBufferPointer, keys: RxkadServerKeys, now: WallTime
  ) throws(RxSecurityFailure) -> RxkadTicket {
    let part: EncryptedPart
    do throws(DERReader.Failure) {
      var reader = DERReader(bytes)
      part = try encryptedPart(reader.element(Tag.sequence))
    } catch {
      throw bad("is malformed (\(error))")
    }
    return try open(part, keys: keys, now: now)
  }

  private static func encryptedPart(_ contents: UnsafeRawBufferPointer) throws(DERReader.Failure) -> EncryptedPart {
    var reader = DERReader(contents)
    let enctype = try DERReader.integer(reader.required(0, Tag.integer))
    let version = try reader.field(1, Tag.integer)
    return EncryptedPart(
      enctype: Int32(truncatingIfNeeded: enctype),
      keyVersion: UInt32(truncatingIfNeeded: try version.map(DERReader.integer) ?? 0),
      cipher: try reader.required(2, Tag.octetString))
  }

  private static func open(
    _ part: EncryptedPart, keys: RxkadServerKeys, now: WallTime
  ) throws(RxSecurityFailure) -> RxkadTicket {
    guard let key = keys.key(version: part.keyVersion, enctype: part.enctype) else {
      throw RxSecurityFailure(
        code: .rxkadUnknownKey,
        reason:
          "a ticket is encrypted with the server's key \(part.keyVersion) of type \(part.enctype), which is unknown")
    }
    guard let plain = KerberosCipher.decrypt(part.cipher, enctype: part.enctype, key: key) else {
      throw bad("cannot be decrypted with the server's key")
    }
    let contents: KerberosTicketContents
    do throws(DERReader.Failure) {
      contents = try plain.withUnsafeBytes { bytes throws(DERReader.Failure) in try KerberosTicketContents(bytes) }
    } catch {
      throw bad("has malformed contents (\(error))")
    }
    return try contents.ticket(now: now)
  }
}
