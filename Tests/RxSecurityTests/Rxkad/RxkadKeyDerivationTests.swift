import AFSBase
import AFSTypes
import CCrypto
import Testing

@testable import RxSecurity

@Suite struct RxkadKeyDerivationTests {
  static func bytes(_ key: SecretBytes) -> [UInt8] { key.withUnsafeBytes { Array($0) } }

  @Test("DES keys are taken as they are", arguments: Int32(1)...3)
  func des(enctype: Int32) throws {
    let key = try RxkadKeyDerivation.sessionKey(enctype: enctype, key: RxkadFixture.sessionKey)
    #expect(key == RxkadFixture.sessionKey)
  }

  /// Computed with another implementation of HMAC (Python's hmac module): HMAC-MD5(key, 01 "rxkad" 00 00000040), eight
  /// bytes, each with odd parity.
  @Test(
    "Other keys go through HMAC-MD5",
    arguments: [(Int32(18), 32, "08589ECE019D9DB3"), (17, 16, "805D9DBA5D08C28C"), (23, 16, "805D9DBA5D08C28C")])
  func derived(enctype: Int32, count: Int, expected: String) throws {
    let key = SecretBytes((1...UInt8(count)).map { $0 })
    let derived = Self.bytes(try RxkadKeyDerivation.sessionKey(enctype: enctype, key: key))
    #expect(derived == FcryptTests.bytes(expected))
    #expect(derived.allSatisfy { $0.nonzeroBitCount % 2 == 1 })
  }

  @Test("A triple DES key is compressed to 21 bytes first")
  func tripleDES() throws {
    let key = SecretBytes((1...24).map { UInt8($0 * 10 & 0xFF) })
    #expect(
      Self.bytes(try RxkadKeyDerivation.sessionKey(enctype: 16, key: key)) == FcryptTests.bytes("52F2499446BA8FBA"))
  }

  @Test(
    "No key is made of types that have none, or of wrong lengths",
    arguments: [
      (Int32(0), 8), (-1, 32), (4, 8), (15, 24), (1, 7), (3, 16), (16, 23), (18, 6), (17, 0),
    ])
  func refused(enctype: Int32, count: Int) {
    let key = SecretBytes([UInt8](repeating: 7, count: count))
    #expect(failureCode { _ = try RxkadKeyDerivation.sessionKey(enctype: enctype, key: key) } == .rxkadBadKey)
  }

  @Test("libcrypto knows DES's weak keys, which derivation passes over")
  func weak() {
    #expect(afsfuse_des_is_weak([1, 1, 1, 1, 1, 1, 1, 1]) == 1)
    #expect(afsfuse_des_is_weak([0x01, 0xFE, 0x01, 0xFE, 0x01, 0xFE, 0x01, 0xFE]) == 1)
    #expect(afsfuse_des_is_weak([1, 2, 4, 7, 8, 11, 13, 14]) == 0)
  }
}
