import AFSBase
package import AFSTypes

/// Payloads of the kernel's key type `rxrpc`, as Linux reads and writes them (net/rxrpc/key.c).
///
/// Three forms: *version 1*, in the host's byte order, which tools may hand to the kernel; *XDR*, which they may hand to
/// it as well; and what the kernel answers when a key is read: the same, except that the session key has a length before
/// it. Of several tokens in one key the first of rxkad counts.
package enum RxrpcKeyPayload {
  /// RXRPC_SECURITY_RXKAD of Linux include/uapi/linux/rxrpc.h.
  private static let rxkad: UInt32 = 2
  /// AFSTOKEN_LENGTH_MAX, AFSTOKEN_CELL_MAX and AFSTOKEN_MAX of Linux include/keys/rxrpc-type.h.
  private static let byteCountMax = 16_384
  private static let cellByteCountMax = 64
  private static let tokenCountMax = 8

  /// - Parameter source: for the token made.
  package static func token(
    _ payload: [UInt8], cell: CellName, source: TokenSource
  ) throws(KeyPayloadError) -> Token {
    // As the kernel tells them apart: XDR, where it is that, has more than 7 words and begins with flags of zero.
    if payload.count > 28, payload.count.isMultiple(of: 4), payload.prefix(4).allSatisfy({ $0 == 0 }) {
      return try xdrToken(payload, cell: cell, source: source)
    }
    return try versionOneToken(payload, cell: cell, source: source)
  }

  // MARK: Version 1

  /// Version, security index (16 bits), ticket length (16 bits), expiry, kvno, 8 bytes of key, ticket.
  private static func versionOneToken(
    _ payload: [UInt8], cell: CellName, source: TokenSource
  ) throws(KeyPayloadError) -> Token {
    guard payload.count >= 24 else { throw .badLength }
    func number<Number: FixedWidthInteger>(at offset: Int, _: Number.Type) -> Number {
      payload.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
    }
    guard number(at: 0, UInt32.self) == 1 else { throw .unknownForm }
    guard UInt32(number(at: 4, UInt16.self)) == rxkad else { throw .noRxkadToken }
    let ticketByteCount = Int(number(at: 6, UInt16.self))
    guard payload.count == 24 + ticketByteCount else { throw .badLength }
    guard 1...Token.ticketByteCountMax ~= ticketByteCount else { throw .badField("ticket") }
    return Token(
      cell: cell, principal: "", viceID: nil, keyVersion: number(at: 12, UInt32.self),
      sessionKey: SecretBytes(payload[16..<24]), ticket: SecretBytes(payload[24...]), begins: nil,
      expires: WallTime(seconds: Int64(number(at: 8, UInt32.self))), source: source)
  }

  // MARK: XDR

  private static func xdrToken(
    _ payload: [UInt8], cell: CellName, source: TokenSource
  ) throws(KeyPayloadError) -> Token {
    guard payload.count <= byteCountMax else { throw .badLength }
    var reader = WordReader(payload[...])
    _ = try reader.word()
    let cellByteCount = Int(try reader.word())
    guard 1...cellByteCountMax ~= cellByteCount else { throw .badField("cell") }
    // The key's description names the cell: the kernel does not compare it either.
    _ = try reader.padded(cellByteCount)
    let count = Int(try reader.word())
    guard 1...tokenCountMax ~= count else { throw .badField("token count") }
    var found: Token?
    for _ in 0..<count {
      let byteCount = Int(try reader.word())
      guard byteCount >= 4 else { throw .badLength }
      let body = try reader.padded(byteCount)
      var inner = WordReader(body)
      guard try inner.word() == rxkad, found == nil else { continue }
      found = try rxkadToken(body.dropFirst(4), cell: cell, source: source)
    }
    guard reader.remaining == 0 else { throw .badLength }
    guard let found else { throw .noRxkadToken }
    return found
  }

  private static func rxkadToken(
    _ body: ArraySlice<UInt8>, cell: CellName, source: TokenSource
  ) throws(KeyPayloadError) -> Token {
    var reader = WordReader(body)
    let viceID = Int32(bitPattern: try reader.word())
    let keyVersion = try reader.word()
    if isAsRead(body) { _ = try reader.word() }
    let key = try reader.run(Token.sessionKeyByteCount)
    let begins = try reader.word()
    let expires = try reader.word()
    // The primary flag: of no use to us.
    _ = try reader.word()
    let ticketByteCount = Int(try reader.word())
    guard 1...Token.ticketByteCountMax ~= ticketByteCount else { throw .badField("ticket") }
    let ticket = try reader.run(ticketByteCount)
    // The kernel takes tokens which are longer than what is in them.
    return Token(
      cell: cell, principal: "", viceID: viceID > 0 ? viceID : nil, keyVersion: keyVersion,
      sessionKey: SecretBytes(key), ticket: SecretBytes(ticket),
      begins: begins == 0 ? nil : WallTime(seconds: Int64(begins)), expires: WallTime(seconds: Int64(expires)),
      source: source)
  }

  /// The form that reading gives: the key's length stands before it, and all lengths then add up.
  private static func isAsRead(_ body: ArraySlice<UInt8>) -> Bool {
    var reader = WordReader(body)
    guard body.count >= 36, (try? reader.run(8)) != nil, (try? reader.word()) == 8,
      (try? reader.run(20)) != nil, let ticketByteCount = try? reader.word()
    else { return false }
    let padded = (UInt64(ticketByteCount) + 3) / 4 * 4
    return UInt64(reader.remaining) == padded
  }

  /// Bytes of a token beside its ticket, and of all before it beside the cell's name; with padding.
  private static let tokenByteCountMax = 40
  private static let headByteCountMax = 24

  /// The XDR form that a key is made of. The caller wipes it.
  package static func payload(of token: Token) -> [UInt8] {
    var body: [UInt8] = []
    // All at once: an array that grows leaves copies of the key behind.
    body.reserveCapacity(tokenByteCountMax + token.ticket.count)
    body.append(word: rxkad)
    body.append(word: UInt32(bitPattern: token.viceID ?? 0))
    body.append(word: token.keyVersion)
    token.sessionKey.withUnsafeBytes { body.append(contentsOf: $0) }
    body.append(word: UInt32(clamping: token.begins?.seconds ?? 0))
    body.append(word: UInt32(clamping: token.expires.seconds))
    body.append(word: 0)
    body.append(word: UInt32(token.ticket.count))
    token.ticket.withUnsafeBytes { body.append(padded: $0) }
    defer { ConstantTime.wipe(&body) }
    var payload: [UInt8] = []
    payload.reserveCapacity(headByteCountMax + token.cell.text.utf8.count + body.count)
    payload.append(word: 0)
    payload.append(word: UInt32(token.cell.text.utf8.count))
    payload.append(padded: Array(token.cell.text.utf8))
    payload.append(word: 1)
    payload.append(word: UInt32(body.count))
    payload.append(padded: body)
    return payload
  }
}
