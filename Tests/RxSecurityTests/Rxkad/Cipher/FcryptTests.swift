import AFSBase
import Testing

@testable import RxSecurity

/// fcrypt by the vectors which others publish.
@Suite struct FcryptTests {
  struct Vector: CustomTestStringConvertible {
    let source: String
    let key: UInt64
    let vector: UInt64
    let plain: [UInt8]
    let cipher: [UInt8]
    var testDescription: String { source }
  }

  static func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = hexadecimal.filter { $0 != " " }.map { UInt8($0.hexDigitValue!) }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  static let fox = Array("The quick brown fox jumps over the lazy dogs.\0\0\0".utf8)

  static let vectors = [
    Vector(
      source: "openafs-devel 2000-12, also Linux crypto/testmgr.h", key: 0, vector: 0, plain: bytes("0000000000000000"),
      cipher: bytes("0E0900C73EF7ED41")),
    Vector(
      source: "Linux crypto/testmgr.h", key: 0x1144_77AA_DD00_3366, vector: 0, plain: bytes("123456789ABCDEF0"),
      cipher: bytes("D8ED787477EC0680")),
    Vector(
      source: "OpenAFS src/rxkad/test/fc_test.c, first", key: 0xF0E1_D2C3_B4A5_9687, vector: 0xFEDC_BA98_7654_3210,
      plain: fox,
      cipher: bytes(
        "00F00E1175E62382EEAC98624451E484C359D8AA6460AEF7D2D9137972A3450323B562D70CF527D1F8913CAC442292EF")),
    Vector(
      source: "OpenAFS src/rxkad/test/fc_test.c, second", key: 0xFEDC_BA98_7654_3210, vector: 0xF0E1_D2C3_B4A5_9687,
      plain: fox,
      cipher: bytes(
        "CA90F59DCBD4D23C01887F3E316E629DD8E057A3063A42582A28FE72522FDDE01989091C2A8E8C94FCC768E488AADE0F")),
  ]

  static func block(_ value: UInt64) -> FcryptBlock {
    withUnsafeBytes(of: value.bigEndian) { FcryptBlock(loading: $0.baseAddress!) }
  }

  @Test("Published vectors encrypt and decrypt", arguments: vectors)
  func published(vector: Vector) {
    let key = FcryptKey(vector.key.bigEndian)
    var bytes = vector.plain
    bytes.withUnsafeMutableBytes { key.encryptChained($0, vector: Self.block(vector.vector)) }
    #expect(bytes == vector.cipher)
    bytes.withUnsafeMutableBytes { key.decryptChained($0, vector: Self.block(vector.vector)) }
    #expect(bytes == vector.plain)
  }

  @Test(
    "Two runs encrypted at once are what each gives alone",
    arguments: [(8, 8), (64, 64), (72, 1416), (1416, 40), (0, 16), (24, 56), (1400, 1408)])
  func pairs(first: Int, second: Int) {
    var generator = SeededGenerator(seed: UInt64(first * 7919 + second))
    let key = FcryptKey(generator.next())
    var one = (0..<first).map { _ in UInt8.random(in: 0...255, using: &generator) }
    var two = (0..<second).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let (plain1, plain2) = (one, two)
    var (alone1, alone2) = (one, two)
    alone1.withUnsafeMutableBytes { key.encryptChained($0, vector: key.vector) }
    alone2.withUnsafeMutableBytes { key.encryptChained($0, vector: key.vector) }
    one.withUnsafeMutableBytes { one in
      two.withUnsafeMutableBytes { two in key.encryptChained(one, two, vector: key.vector) }
    }
    #expect(one == alone1)
    #expect(two == alone2)
    one.withUnsafeMutableBytes { key.decryptChained($0, vector: key.vector) }
    two.withUnsafeMutableBytes { key.decryptChained($0, vector: key.vector) }
    #expect(one == plain1)
    #expect(two == plain2)
  }

  @Test("Parity bits of a key do not count")
  func parity() {
    let block = Self.block(0x0123_4567_89AB_CDEF)
    #expect(
      FcryptKey(0x1032_5476_98BA_DCFE).encrypted(block) == FcryptKey(0x1133_5577_99BB_DDFF).encrypted(block))
  }
}
