import AFSBase
import AFSTypes
import CKeyutils
import Glibc
import Testing

@testable import AFSCredentials

/// With the test process's own keyring: the kernel's answers are real ones.
@Suite(.serialized) struct SessionKeyringTests {
  private static func token(_ cell: String, seconds: Int64 = 3600) -> Token {
    Token(
      cell: CellName(cell)!, principal: "alice@EXAMPLE.COM", viceID: 7, keyVersion: 256,
      sessionKey: SecretBytes([1, 2, 3, 4, 5, 6, 7, 8]), ticket: SecretBytes([9, 9, 9]), begins: nil,
      expires: WallTime(seconds: 1_000_000 + seconds), source: .command)
  }

  private static let now = WallTime(seconds: 1_000_000)

  /// A keyring of this test's, which ends with the process.
  private static func keyring() throws -> SessionKeyring {
    let serial = add_key("keyring", "afsfuse-test", nil, 0, KEY_SPEC_PROCESS_KEYRING)
    try #require(serial > 0)
    return SessionKeyring(serial: serial)
  }

  @Test("A token that was put in is found, read, replaced, and gone after its removal")
  func life() throws {
    let keyring = try Self.keyring()
    let cell = CellName("example.com")!
    #expect(keyring.find(cell) == .none && keyring.cells.isEmpty)
    let serial = try keyring.store(Self.token("example.com"), now: Self.now)
    #expect(keyring.find(cell) == .key(serial: serial) && keyring.cells == [cell])
    let read = try keyring.token(serial: serial, cell: cell)
    #expect(read.ticket == Self.token("example.com").ticket && read.viceID == 7)
    _ = try keyring.store(Self.token("other.org"), now: Self.now)
    #expect(keyring.cells.map(\.text) == ["example.com", "other.org"])
    #expect(try keyring.remove(cell) && !keyring.remove(cell))
    #expect(keyring.cells.map(\.text) == ["other.org"])
  }

  @Test("A key whose payload is replaced in place is another one, though its number stays")
  func replaced() throws {
    let keyring = try Self.keyring()
    let cell = CellName("replaced.example")!
    let target = keyctl_search(KEY_SPEC_PROCESS_KEYRING, "keyring", "afsfuse-test", 0)
    func put(_ seconds: Int64) throws -> Int32 {
      let payload = UserKeyPayload.payload(of: Self.token("replaced.example", seconds: seconds))
      return add_key("user", "afs@replaced.example", payload, payload.count, Int32(target))
    }
    let serial = try put(100)
    try #require(keyring.find(cell) == .key(serial: serial))
    let before = keyring.stamp(serial: serial)
    #expect(try put(100) == serial && keyring.stamp(serial: serial) == before)
    #expect(try put(200) == serial && keyring.stamp(serial: serial) != before)
    #expect(try keyring.token(serial: serial, cell: cell).expires == WallTime(seconds: 1_000_200))
  }

  @Test("A revoked key is told from one that never was")
  func revoked() throws {
    let keyring = try Self.keyring()
    let serial = try keyring.store(Self.token("revoked.example"), now: Self.now)
    #expect(keyctl_revoke(serial) == 0)
    #expect(keyring.find(CellName("revoked.example")!) == .revoked)
  }

  @Test("A key that is no token is an error that says so")
  func foreign() throws {
    let keyring = try Self.keyring()
    let cell = CellName("foreign.example")!
    let target = keyctl_search(KEY_SPEC_PROCESS_KEYRING, "keyring", "afsfuse-test", 0)
    let serial = add_key("user", "afs@foreign.example", "hello", 5, Int32(target))
    #expect(throws: SessionKeyring.Failure(text: "key \(serial) is no token: its form is unknown")) {
      try keyring.token(serial: serial, cell: cell)
    }
  }
}
