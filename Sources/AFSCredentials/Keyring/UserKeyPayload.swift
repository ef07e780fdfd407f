import AFSBase
package import AFSTypes

/// Payloads of keys of type `user`, where the kernel has no type `rxrpc`: our own form, described in Docs/security.md.
///
/// Big-endian, lengths before what has one: 8 bytes `AFSTOKEN`, version (32 bits, 1), AFS id (32 bits signed, 0 when
/// unknown), ticket type (32 bits), begin and end (64 bits each, seconds since 1970, begin 0 when unknown), session key
/// (8 bytes), length and bytes of the cell's name, of the principal, and of the ticket. Nothing follows.
package enum UserKeyPayload {
  private static let magic = Array("AFSTOKEN".utf8)
  private static let version: UInt32 = 1
  /// Kerberos sets no limit to names; longer ones than this are not met.
  private static let principalByteCountMax = 1024

  /// Bytes of all that has a fixed length.
  private static let fixedByteCount = 56

  /// The caller wipes it.
  package static func payload(of token: Token) -> [UInt8] {
    var payload: [UInt8] = []
    // All at once: an array that grows leaves copies of the key behind.
    payload.reserveCapacity(
      fixedByteCount + token.cell.text.utf8.count + token.principal.utf8.count + token.ticket.count)
    payload += magic
    payload.append(word: version)
    payload.append(word: UInt32(bitPattern: token.viceID ?? 0))
    payload.append(word: token.keyVersion)
    payload.append(doubleWord: UInt64(bitPattern: token.begins?.seconds ?? 0))
    payload.append(doubleWord: UInt64(bitPattern: token.expires.seconds))
    token.sessionKey.withUnsafeBytes { payload.append(contentsOf: $0) }
    for text in [token.cell.text, token.principal] {
      payload.append(word: UInt32(text.utf8.count))
      payload.append(contentsOf: text.utf8)
    }
    payload.append(word: UInt32(token.ticket.count))
    token.ticket.withUnsafeBytes { payload.append(contentsOf: $0) }
    return payload
  }

  /// - Parameters:
  ///   - cell: of the key's description: a payload for another cell is refused.
  ///   - source: for the token made.
  package static func token(
    _ payload: [UInt8], cell: CellName, source: TokenSource
  ) throws(KeyPayloadError) -> Token {
    var reader = WordReader(payload[...])
    guard payload.starts(with: magic) else { throw .unknownForm }
    _ = try reader.run(magic.count)
    guard try reader.word() == version else { throw .unknownForm }
    let viceID = Int32(bitPattern: try reader.word())
    let keyVersion = try reader.word()
    let begins = Int64(bitPattern: try reader.doubleWord())
    let expires = Int64(bitPattern: try reader.doubleWord())
    let key = try reader.run(Token.sessionKeyByteCount)
    let cellName = try text(&reader, "cell", max: CellName.lengthMax)
    guard cellName == cell.text else { throw .badField("cell") }
    let principal = try text(&reader, "principal", max: principalByteCountMax)
    let ticketByteCount = Int(try reader.word())
    guard 1...Token.ticketByteCountMax ~= ticketByteCount else { throw .badField("ticket") }
    let ticket = try reader.run(ticketByteCount)
    guard reader.remaining == 0 else { throw .badLength }
    return Token(
      cell: cell, principal: principal, viceID: viceID == 0 ? nil : viceID, keyVersion: keyVersion,
      sessionKey: SecretBytes(key), ticket: SecretBytes(ticket),
      begins: begins == 0 ? nil : WallTime(seconds: begins), expires: WallTime(seconds: expires), source: source)
  }

  private static func text(
    _ reader: inout WordReader, _ field: String, max: Int
  ) throws(KeyPayloadError) -> String {
    let count = Int(try reader.word())
    guard count <= max else { throw .badField(field) }
    guard let text = String(validating: try reader.run(count), as: UTF8.self) else { throw .badField(field) }
    return text
  }
}
