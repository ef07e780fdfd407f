import AFSBase
import AFSTypes

@testable import AFSCredentials

private let cell = CellName("example.com")!
private let source = TokenSource.keyring(serial: 1)

/// Payloads of keys, which any process of the session may have written. The first byte chooses the key's type. A token
/// that is read can be written, and read again as the same.
func fuzzKeyring(_ input: UnsafeRawBufferPointer) {
  guard let choice = input.first else { return }
  let payload = Array(input.dropFirst())
  if choice & 1 == 0 {
    guard let token = try? RxrpcKeyPayload.token(payload, cell: cell, source: source) else { return }
    check(token)
    // A key that begins so can be taken for the length that the kernel's own form has there.
    guard token.sessionKey.withUnsafeBytes({ !$0.starts(with: [0, 0, 0, 8]) }) else { return }
    let again = try? RxrpcKeyPayload.token(RxrpcKeyPayload.payload(of: token), cell: cell, source: source)
    precondition(again == token)
  } else {
    guard let token = try? UserKeyPayload.token(payload, cell: cell, source: source) else { return }
    check(token)
    precondition(UserKeyPayload.payload(of: token) == payload)
  }
}

private func check(_ token: Token) {
  precondition(token.sessionKey.count == Token.sessionKeyByteCount)
  precondition((1...Token.ticketByteCountMax).contains(token.ticket.count))
  precondition(token.cell == cell)
  _ = token.protectionName
  _ = token.isExpired(at: WallTime(seconds: 1_800_000_000))
}

extension FuzzEntry {
  /// Good input of each kind, to begin a corpus with.
  static var keyringSeeds: [(entry: String, bytes: [UInt8])] {
    let token = Token(
      cell: cell, principal: "alice/admin@EXAMPLE.COM", viceID: 1001, keyVersion: 256,
      sessionKey: SecretBytes([1, 2, 3, 4, 5, 6, 7, 8]), ticket: SecretBytes([UInt8](repeating: 0x61, count: 41)),
      begins: WallTime(seconds: 1_799_999_000), expires: WallTime(seconds: 1_800_030_000), source: source)
    let xdr = RxrpcKeyPayload.payload(of: token)
    // As the kernel answers: the key's length before the key, and the token's own one by 4 longer. The header has five
    // words and the cell's name in three.
    var asRead = xdr
    asRead.insert(contentsOf: [0, 0, 0, 8], at: 24 + 4 + 12)
    asRead[27] += 4
    let versionOne: [UInt8] =
      [1, 0, 0, 0, 2, 0, 40, 0] + [0x30, 0x47, 0x4A, 0x6B] + [0, 1, 0, 0] + [1, 2, 3, 4, 5, 6, 7, 8]
      + [UInt8](repeating: 0x61, count: 40)
    return [
      ("keyring", [0] + xdr), ("keyring", [0] + asRead), ("keyring", [0] + versionOne),
      ("keyring", [1] + UserKeyPayload.payload(of: token)),
    ]
  }
}
