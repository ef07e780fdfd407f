import AFSBase
import AFSTypes
import Testing

@testable import AFSCredentials

/// Payloads of keyring keys: ours, and those of Linux' rxrpc keys.
@Suite struct KeyPayloadTests {
  private static let cell = CellName("example.com")!
  private static let key: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]

  private static func token(viceID: Int32? = 1001, ticketByteCount: Int = 37) -> Token {
    Token(
      cell: cell, principal: "alice@EXAMPLE.COM", viceID: viceID, keyVersion: 256, sessionKey: SecretBytes(key),
      ticket: SecretBytes((0..<ticketByteCount).map { UInt8(truncatingIfNeeded: $0) }),
      begins: WallTime(seconds: 1_700_000_000), expires: WallTime(seconds: 1_700_036_000), source: .keyring(serial: 7))
  }

  private static func rxrpc(_ payload: [UInt8]) throws(KeyPayloadError) -> Token {
    try RxrpcKeyPayload.token(payload, cell: cell, source: .keyring(serial: 7))
  }

  private static func user(_ payload: [UInt8]) throws(KeyPayloadError) -> Token {
    try UserKeyPayload.token(payload, cell: cell, source: .keyring(serial: 7))
  }

  private static func bytes(_ secret: SecretBytes) -> [UInt8] { secret.withUnsafeBytes { Array($0) } }

  @Test("A user key gives back the token that was put into it", arguments: [nil, 1001, -204] as [Int32?])
  func userKey(viceID: Int32?) throws {
    let token = Self.token(viceID: viceID)
    #expect(try Self.user(UserKeyPayload.payload(of: token)) == token)
  }

  @Test("A user key's payload has the documented layout")
  func userLayout() {
    let payload = UserKeyPayload.payload(of: Self.token(ticketByteCount: 2))
    var expected = Array("AFSTOKEN".utf8) + [0, 0, 0, 1, 0, 0, 3, 0xE9, 0, 0, 1, 0]
    expected += [0, 0, 0, 0, 0x65, 0x53, 0xF1, 0x00, 0, 0, 0, 0, 0x65, 0x54, 0x7D, 0xA0]
    expected += Self.key + [0, 0, 0, 11] + Array("example.com".utf8)
    expected += [0, 0, 0, 17] + Array("alice@EXAMPLE.COM".utf8) + [0, 0, 0, 2, 0, 1]
    #expect(payload == expected)
  }

  @Test("A user key for another cell, of another version or with bytes left over is refused")
  func userRefused() {
    let good = UserKeyPayload.payload(of: Self.token())
    #expect(throws: KeyPayloadError.badField("cell")) {
      try UserKeyPayload.token(good, cell: CellName("other.org")!, source: .command)
    }
    var newer = good
    newer[11] = 2
    #expect(throws: KeyPayloadError.unknownForm) { try Self.user(newer) }
    #expect(throws: KeyPayloadError.badLength) { try Self.user(good + [0]) }
    #expect(throws: KeyPayloadError.unknownForm) { try Self.user(Array("hello".utf8)) }
  }

  @Test("A payload cut short anywhere is refused")
  func cutShort() {
    for whole in [UserKeyPayload.payload(of: Self.token()), RxrpcKeyPayload.payload(of: Self.token())] {
      for count in 0..<whole.count {
        #expect(throws: KeyPayloadError.self) { try Self.user(Array(whole.prefix(count))) }
        #expect(throws: KeyPayloadError.self) { try Self.rxrpc(Array(whole.prefix(count))) }
      }
    }
  }

  @Test("The XDR form that Linux takes is read back", arguments: [1, 4, 37, 12_000])
  func xdr(ticketByteCount: Int) throws {
    let token = Self.token(ticketByteCount: ticketByteCount)
    let read = try Self.rxrpc(RxrpcKeyPayload.payload(of: token))
    #expect(read.viceID == 1001 && read.keyVersion == 256 && read.expires == token.expires)
    #expect(read.begins == token.begins && Self.bytes(read.sessionKey) == Self.key && read.ticket == token.ticket)
  }

  @Test("The XDR form that Linux gives to readers, with the key's length before it, is read")
  func xdrAsRead() throws {
    // As rxrpc_read of Linux net/rxrpc/key.c writes it.
    var payload: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 11] + Array("example.com".utf8) + [0, 0, 0, 0, 1]
    payload += [0, 0, 0, 4 + 36 + 8] + [0, 0, 0, 2, 0, 0, 3, 0xE9, 0, 0, 1, 0, 0, 0, 0, 8] + Self.key
    payload += [0x65, 0x53, 0xF1, 0, 0x65, 0x54, 0x7D, 0xA0, 0, 0, 0, 1, 0, 0, 0, 5, 9, 8, 7, 6, 5, 0, 0, 0]
    let read = try Self.rxrpc(payload)
    #expect(Self.bytes(read.sessionKey) == Self.key && Self.bytes(read.ticket) == [9, 8, 7, 6, 5])
    #expect(read.expires == WallTime(seconds: 0x6554_7DA0) && read.viceID == 1001)
  }

  @Test("Version 1, in the host's byte order, is read; other versions and classes are refused")
  func versionOne() throws {
    var payload: [UInt8] = [1, 0, 0, 0, 2, 0, 3, 0, 0xA0, 0x7D, 0x54, 0x65, 0, 1, 0, 0] + Self.key + [7, 7, 7]
    let read = try Self.rxrpc(payload)
    #expect(Self.bytes(read.ticket) == [7, 7, 7] && read.keyVersion == 256)
    #expect(read.expires == WallTime(seconds: 0x6554_7DA0))
    payload[4] = 4
    #expect(throws: KeyPayloadError.noRxkadToken) { try Self.rxrpc(payload) }
    payload[0] = 2
    #expect(throws: KeyPayloadError.unknownForm) { try Self.rxrpc(payload) }
  }

  @Test("Of several tokens the first of rxkad counts; without one there is none")
  func several() throws {
    let one = RxrpcKeyPayload.payload(of: Self.token())
    // The count stands behind flags, length and the padded name.
    var two = one
    two[8 + 12 + 3] = 2
    let other: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 6]
    two.insert(contentsOf: other, at: 8 + 12 + 4)
    #expect(try Self.rxrpc(two).ticket == Self.token().ticket)
    let none = Array(one.prefix(8 + 12 + 4)) + other
    #expect(throws: KeyPayloadError.noRxkadToken) { try Self.rxrpc(none) }
  }

  @Test("Damaged payloads are refused or read, and nothing worse", arguments: 0..<8 as Range<UInt64>)
  func damaged(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let originals = [UserKeyPayload.payload(of: Self.token()), RxrpcKeyPayload.payload(of: Self.token())]
    for _ in 0..<2000 {
      var payload = originals[Int.random(in: 0..<2, using: &generator)]
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        payload[Int.random(in: payload.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      if Bool.random(using: &generator) {
        payload.removeLast(Int.random(in: 0..<payload.count, using: &generator))
      }
      for read in [try? Self.user(payload), try? Self.rxrpc(payload)] {
        #expect(read == nil || read!.ticket.count <= Token.ticketByteCountMax)
      }
    }
  }

  @Test("Printing a token shows neither key nor ticket")
  func printed() {
    let text = "\(Self.token()) \(String(reflecting: Self.token()))"
    #expect(text.contains("(secret)") && !text.contains("[1, 2, 3"))
  }
}
