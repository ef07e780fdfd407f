import AFSBase
import CCrypto

/// Kerberos's encryption of tickets, by encryption type, with libcrypto's primitives. Whatever fails (unknown type,
/// wrong key, damage) gives nil.
enum KerberosCipher {
  /// Key usage of tickets (RFC 4120 section 7.5.1).
  private static let ticketUsage: [UInt8] = [0, 0, 0, 2]

  /// What differs between the types of AES.
  private struct AES {
    let keyByteCount: Int
    let digest: String
    let checkByteCount: Int
    /// RFC 8009: the check covers the ciphertext; RFC 3962: the plaintext.
    let checksCiphertext: Bool

    init?(enctype: Int32) {
      switch enctype {
      case 17: (keyByteCount, digest, checkByteCount, checksCiphertext) = (16, "SHA1", 12, false)
      case 18: (keyByteCount, digest, checkByteCount, checksCiphertext) = (32, "SHA1", 12, false)
      case 19: (keyByteCount, digest, checkByteCount, checksCiphertext) = (16, "SHA256", 16, true)
      case 20: (keyByteCount, digest, checkByteCount, checksCiphertext) = (32, "SHA384", 24, true)
      default: return nil
      }
    }
  }

  private static let confounderByteCount = 16
  private static let desConfounderByteCount = 8

  /// - Returns: the plaintext; DES may leave padding behind it.
  static func decrypt(_ cipher: UnsafeRawBufferPointer, enctype: Int32, key: SecretBytes) -> SecretBytes? {
    if RxkadKeyDerivation.desTypes.contains(enctype) { return decryptDES(cipher, enctype, key) }
    guard let aes = AES(enctype: enctype), key.count == aes.keyByteCount,
      cipher.count >= confounderByteCount + aes.checkByteCount, let keys = derive(aes, key)
    else { return nil }
    let body = UnsafeRawBufferPointer(rebasing: cipher.dropLast(aes.checkByteCount))
    let check = Array(cipher.suffix(aes.checkByteCount))
    var plain = [UInt8](repeating: 0, count: body.count)
    defer { ConstantTime.wipe(&plain) }
    guard
      keys.encryption.withUnsafeBytes({
        afsfuse_aes_cts(0, $0.baseAddress, $0.count, body.baseAddress, &plain, body.count)
      }) == 1,
      let expected = aes.checksCiphertext
        ? hmac(aes, keys.integrity, [UInt8](repeating: 0, count: 16) + Array(body)) : hmac(aes, keys.integrity, plain),
      ConstantTime.areEqual(expected, check)
    else { return nil }
    return SecretBytes(plain[confounderByteCount...])
  }

  static func encrypt(
    _ plain: [UInt8], enctype: Int32, key: SecretBytes, using generator: inout some RandomNumberGenerator
  ) -> [UInt8]? {
    if RxkadKeyDerivation.desTypes.contains(enctype) { return encryptDES(plain, enctype, key, using: &generator) }
    guard let aes = AES(enctype: enctype), key.count == aes.keyByteCount, let keys = derive(aes, key) else {
      return nil
    }
    let input = confounder(confounderByteCount, using: &generator) + plain
    var cipher = [UInt8](repeating: 0, count: input.count)
    guard
      keys.encryption.withUnsafeBytes({
        afsfuse_aes_cts(1, $0.baseAddress, $0.count, input, &cipher, input.count)
      }) == 1,
      let check = aes.checksCiphertext
        ? hmac(aes, keys.integrity, [UInt8](repeating: 0, count: 16) + cipher) : hmac(aes, keys.integrity, input)
    else { return nil }
    return cipher + check
  }

  private static func confounder(_ count: Int, using generator: inout some RandomNumberGenerator) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }

  // MARK: AES

  /// Keys for encryption (0xAA) and integrity (0x55), RFC 3961 section 5.3 and RFC 8009 section 5.
  private static func derive(_ aes: AES, _ key: SecretBytes) -> (encryption: SecretBytes, integrity: SecretBytes)? {
    guard let encryption = derive(aes, key, 0xAA, aes.keyByteCount),
      let integrity = derive(aes, key, 0x55, aes.checksCiphertext ? aes.checkByteCount : aes.keyByteCount)
    else { return nil }
    return (encryption, integrity)
  }

  private static func derive(_ aes: AES, _ key: SecretBytes, _ purpose: UInt8, _ count: Int) -> SecretBytes? {
    let constant = ticketUsage + [purpose]
    var isDone: Int32 = 0
    let derived = SecretBytes(count: count) { out in
      let bytes = out.bindMemory(to: UInt8.self)
      key.withUnsafeBytes { key in
        isDone =
          aes.checksCiphertext
          ? afsfuse_krb5_kdf_sha2(
            aes.digest, key.baseAddress, key.count, constant, constant.count, bytes.baseAddress, count)
          : afsfuse_krb5_dk(key.baseAddress, key.count, constant, constant.count, bytes.baseAddress, count)
      }
    }
    return isDone == 1 ? derived : nil
  }

  private static func hmac(_ aes: AES, _ key: SecretBytes, _ data: [UInt8]) -> [UInt8]? {
    var out = [UInt8](repeating: 0, count: 64)
    let isDone = key.withUnsafeBytes { key in
      afsfuse_hmac(aes.digest, key.baseAddress, key.count, data, data.count, &out, out.count)
    }
    return isDone == 1 ? Array(out[..<aes.checkByteCount]) : nil
  }

  // MARK: DES

  /// des-cbc-crc has the key as initialization vector, the others zeros (RFC 3961 section 6.2).
  private static func crypt(_ encrypts: Bool, _ bytes: [UInt8], _ enctype: Int32, _ key: SecretBytes) -> [UInt8]? {
    guard key.count == 8, bytes.count.isMultiple(of: 8) else { return nil }
    var out = [UInt8](repeating: 0, count: bytes.count)
    let zeros = [UInt8](repeating: 0, count: 8)
    let isDone = key.withUnsafeBytes { key in
      zeros.withUnsafeBytes { zeros in
        afsfuse_des_cbc(
          encrypts ? 1 : 0, key.baseAddress, enctype == 1 ? key.baseAddress : zeros.baseAddress, bytes, &out,
          bytes.count)
      }
    }
    return isDone == 1 ? out : nil
  }

  private static func checkByteCount(_ enctype: Int32) -> Int { enctype == 1 ? 4 : 16 }

  private static func desCheck(_ data: [UInt8], _ enctype: Int32) -> [UInt8]? {
    guard enctype != 1 else { return crc(data) }
    var out = [UInt8](repeating: 0, count: 16)
    return afsfuse_digest(enctype == 2 ? "MD4" : "MD5", data, data.count, &out, out.count) == 1 ? out : nil
  }

  /// CRC-32 without inversions, lowest byte first (RFC 3961 section 6.1.3).
  private static func crc(_ data: [UInt8]) -> [UInt8] {
    var crc: UInt32 = 0
    for byte in data {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    return [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: crc >> $0) }
  }

  private static func decryptDES(_ cipher: UnsafeRawBufferPointer, _ enctype: Int32, _ key: SecretBytes) -> SecretBytes?
  {
    let start = desConfounderByteCount + checkByteCount(enctype)
    guard cipher.count >= start, var plain = crypt(false, Array(cipher), enctype, key) else { return nil }
    defer { ConstantTime.wipe(&plain) }
    let check = Array(plain[desConfounderByteCount..<start])
    for index in desConfounderByteCount..<start { plain[index] = 0 }
    guard let expected = desCheck(plain, enctype), ConstantTime.areEqual(expected, check) else { return nil }
    return SecretBytes(plain[start...])
  }

  private static func encryptDES(
    _ plain: [UInt8], _ enctype: Int32, _ key: SecretBytes, using generator: inout some RandomNumberGenerator
  ) -> [UInt8]? {
    let start = desConfounderByteCount + checkByteCount(enctype)
    var bytes = confounder(desConfounderByteCount, using: &generator)
    bytes += [UInt8](repeating: 0, count: start - bytes.count) + plain
    while bytes.count % 8 != 0 { bytes.append(0) }
    guard let check = desCheck(bytes, enctype) else { return nil }
    bytes.replaceSubrange(desConfounderByteCount..<start, with: check)
    return crypt(true, bytes, enctype, key)
  }
}
