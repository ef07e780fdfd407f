import AFSBase
import AFSTypes
import Testing

@testable import AFSCredentials

@Suite struct ProtectionNameTests {
  @Test(
    "Kerberos names become the protection service's",
    arguments: [
      ("alice@EXAMPLE.COM", "", "alice"), ("alice/admin@EXAMPLE.COM", "", "alice.admin"),
      ("alice@OTHER.ORG", "", "alice@other.org"), ("alice@OTHER.ORG", "OTHER.ORG", "alice"), ("alice", "", nil),
      ("", "", nil),
    ] as [(String, String, String?)])
  func names(principal: String, realm: String, expected: String?) {
    var token = Token(
      cell: CellName("example.com")!, principal: principal, viceID: nil, keyVersion: 256,
      sessionKey: SecretBytes([UInt8](repeating: 1, count: 8)), ticket: SecretBytes([1]), begins: nil,
      expires: WallTime(seconds: 0), source: .command)
    token.serviceRealm = realm
    #expect(token.protectionName == expected)
  }
}
