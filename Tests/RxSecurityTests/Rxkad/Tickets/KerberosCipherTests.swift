import AFSBase
import CCrypto
import Testing

@testable import RxSecurity

/// Kerberos's AES by the vectors that others publish. libcrypto has AES and the digests; what Kerberos makes of them
/// (stealing, key derivation, checks) is ours.
@Suite struct KerberosCipherTests {
  static func bytes(_ hexadecimal: String) -> [UInt8] { FcryptTests.bytes(hexadecimal) }

  // MARK: RFC 3962 appendix B

  static let stealingVectors: [(Int, String)] = [
    (17, "C6353568F2BF8CB4D8A580362DA7FF7F97"),
    (31, "FC00783E0EFDB2C1D445D4C8EFF7ED2297687268D6ECCCC0C07B25E25ECFE5"),
    (32, "39312523A78662D5BE7FCBCC98EBF5A897687268D6ECCCC0C07B25E25ECFE584"),
    (
      47,
      "97687268D6ECCCC0C07B25E25ECFE584B3FFFD940C16A18C1B5549D2F838029E39312523A78662D5BE7FCBCC98EBF5"
    ),
    (
      48,
      "97687268D6ECCCC0C07B25E25ECFE5849DAD8BBB96C4CDC03BC103E1A194BBD839312523A78662D5BE7FCBCC98EBF5A8"
    ),
    (
      64,
      "97687268D6ECCCC0C07B25E25ECFE58439312523A78662D5BE7FCBCC98EBF5A8"
        + "4807EFE836EE89A526730DBC2F7BC8409DAD8BBB96C4CDC03BC103E1A194BBD8"
    ),
  ]

  @Test("AES with ciphertext stealing gives RFC 3962's vectors, both ways", arguments: stealingVectors)
  func stealing(count: Int, expected: String) {
    let key = Array("chicken teriyaki".utf8)
    let plain = Array("I would like the General Gau's Chicken, please, and wonton soup.".utf8.prefix(count))
    var cipher = [UInt8](repeating: 0, count: count)
    #expect(afsfuse_aes_cts(1, key, key.count, plain, &cipher, count) == 1)
    #expect(cipher == Self.bytes(expected))
    var opened = [UInt8](repeating: 0, count: count)
    #expect(afsfuse_aes_cts(0, key, key.count, cipher, &opened, count) == 1)
    #expect(opened == plain)
  }

  // MARK: RFC 8009 appendix A

  static let key128 = "3705D96080C17728A0E800EAB6E0D23C"
  static let key256 = "6D404D37FAF79F9DF0D33568D320669800EB4836472EA8A026D16B7182460C52"

  @Test(
    "Keys derived for encryption (AA) and integrity (55) of tickets are RFC 8009's",
    arguments: [
      ("SHA256", key128, UInt8(0xAA), "9B197DD1E8C5609D6E67C3E37C62C72E"),
      ("SHA256", key128, 0x55, "9FDA0E56AB2D85E1569A688696C26A6C"),
      ("SHA384", key256, 0xAA, "56AB22BEE63D82D7BC5227F6773F8EA7A5EB1C825160C38312980C442E5C7E49"),
      ("SHA384", key256, 0x55, "69B16514E3CD8E56B82010D5C73012B622C4D00FFC23ED1F"),
    ])
  func derived(digest: String, key: String, purpose: UInt8, expected: String) {
    let (key, label) = (Self.bytes(key), [0, 0, 0, 2, purpose])
    var out = Self.bytes(expected).map { _ in UInt8(0) }
    #expect(afsfuse_krb5_kdf_sha2(digest, key, key.count, label, label.count, &out, out.count) == 1)
    #expect(out == Self.bytes(expected))
  }

  struct Sample: CustomTestStringConvertible {
    var source: String
    var enctype: Int32
    var key: String
    var confounder: String?
    var plain: [UInt8]
    var cipher: String
    var testDescription: String { "\(source), type \(enctype), \(plain.count) bytes" }
  }

  static func sha2(_ enctype: Int32, _ count: Int, _ confounder: String, _ cipher: String) -> Sample {
    Sample(
      source: "RFC 8009 appendix A", enctype: enctype, key: enctype == 19 ? key128 : key256, confounder: confounder,
      plain: (0..<count).map { UInt8($0) }, cipher: cipher)
  }

  /// Of the SHA-1 types the RFCs publish no whole encryptions; MIT krb5 does, one with the key usage of tickets for each.
  static let samples: [Sample] = [
    Sample(
      source: "MIT krb5 src/lib/crypto/crypto_tests/t_decrypt.c", enctype: 17, key: "9062430C8CDA3388922E6D6A509F5B7A",
      confounder: "94B491F481485B9A0678CD3C4EA386AD", plain: Array("9 bytesss".utf8),
      cipher: "68FB9679601F45C78857B2BF820FD6E53ECA8D42FD4B1D7024A09205ABB7CD2EC26C355D2F"),
    Sample(
      source: "MIT krb5 src/lib/crypto/crypto_tests/t_decrypt.c", enctype: 18,
      key: "B1AE4CD8462AFF1677053CC9279AAC30B796FB81CE21474DD3DDBCFEA4EC76D7", plain: Array("9 bytesss".utf8),
      cipher: "09957AA25FCAF88F7B39E4406E633012D5FEA21853F6478DA7065CAEF41FD454A40824EEC5"),
    sha2(
      19, 0, "7E5895EAF2672435BAD817F545A37148",
      "EF85FB890BB8472F4DAB20394DCA781DAD877EDA39D50C870C0D5A0A8E48C718"),
    sha2(
      19, 6, "7BCA285E2FD4130FB55B1A5C83BC5B24",
      "84D7F30754ED987BAB0BF3506BEB09CFB55402CEF7E6877CE99E247E52D16ED4421DFDF8976C"),
    sha2(
      19, 16, "56AB21713FF62C0A1457200F6FA9948F",
      "3517D640F50DDC8AD3628722B3569D2AE07493FA8263254080EA65C1008E8FC295FB4852E7D83E1E7C48C37EEBE6B0D3"),
    sha2(
      19, 21, "A7A4E29A4728CE10664FB64E49AD3FAC",
      "720F73B18D9859CD6CCB4346115CD336C70F58EDC0C4437C5573544C31C813BCE1E6D072C186B39A413C2F92CA9B8334A287FFCBFC"),
    sha2(
      20, 0, "F764E9FA15C276478B2C7D0C4E5F58E4",
      "41F53FA5BFE7026D91FAF9BE959195A058707273A96A40F0A01960621AC612748B9BBFBE7EB4CE3C"),
    sha2(
      20, 6, "B80D3251C1F6471494256FFE712D0B9A",
      "4ED7B37C2BCAC8F74F23C1CF07E62BC7B75FB3F637B9F559C7F664F69EAB7B6092237526EA0D1F61CB20D69D10F2"),
    sha2(
      20, 16, "53BF8A0D105265D4E276428624CE5E63",
      "BC47FFEC7998EB91E8115CF8D19DAC4BBBE2E163E87DD37F49BECA92027764F68CF51F14D798C2273F35DF574D1F932E40C4FF255B36A266"
    ),
    sha2(
      20, 21, "763E65367E864F02F55153C7E3B58AF1",
      "40013E2DF58E8751957D2878BCD2D6FE101CCFD556CB1EAE79DB3C3EE86429F2B2A602AC86FEF6EC"
        + "B647D6295FAE077A1FEB517508D2C16B4192E01F62"),
  ]

  /// Gives the bytes that a vector prescribes for randomness.
  struct Script: RandomNumberGenerator {
    var bytes: ArraySlice<UInt8>
    mutating func next() -> UInt64 { UInt64(bytes.removeFirst()) }
  }

  @Test("Published encryptions under the key usage of tickets open, and are made the same", arguments: samples)
  func published(sample: Sample) throws {
    let (key, cipher) = (SecretBytes(Self.bytes(sample.key)), Self.bytes(sample.cipher))
    let opened = try #require(
      cipher.withUnsafeBytes { KerberosCipher.decrypt($0, enctype: sample.enctype, key: key) })
    #expect(opened.withUnsafeBytes { Array($0) } == sample.plain)
    guard let confounder = sample.confounder else { return }
    var script = Script(bytes: Self.bytes(confounder)[...])
    #expect(KerberosCipher.encrypt(sample.plain, enctype: sample.enctype, key: key, using: &script) == cipher)
  }

  @Test("A published encryption with any bit changed does not open", arguments: samples)
  func changed(sample: Sample) {
    let key = SecretBytes(Self.bytes(sample.key))
    for index in Self.bytes(sample.cipher).indices {
      var cipher = Self.bytes(sample.cipher)
      cipher[index] ^= 1 << UInt8(index % 8)
      #expect(cipher.withUnsafeBytes { KerberosCipher.decrypt($0, enctype: sample.enctype, key: key) } == nil)
    }
  }
}
