public import AFSBase
import AFSTypes
import CCrypto
public import RxCore

/// rxkad-kdf: makes the 8 bytes of an rxkad session key of a Kerberos session key of any encryption type.
///
/// DES keys are taken as they are, others go through SP 800-108's KDF in counter mode with HMAC-MD5
/// (OpenAFS src/rxkad/ticket5.c, tkt_DeriveDesKey and rxkad_derive_des_key).
public enum RxkadKeyDerivation {
  /// Encryption types whose keys are DES keys: des-cbc-crc, des-cbc-md4, des-cbc-md5 (RFC 3961 section 8).
  static let desTypes: ClosedRange<Int32> = 1...3
  /// des3-cbc-md5, des3-cbc-sha1 of old, des3-cbc-sha1-kd: every eighth byte holds the other seven's lowest bits.
  static let tripleDESTypes: Set<Int32> = [5, 7, 16]
  /// Types that are none, or no session keys (ticket5.c refuses them).
  static let refusedTypes: Set<Int32> = [0, 4, 6, 8, 9, 10, 11, 12, 13, 14, 15]

  /// - Parameters:
  ///   - enctype: the Kerberos session key's encryption type.
  ///   - key: its bytes.
  /// - Throws: RXKADBADKEY for a key that no session key can be made of.
  public static func sessionKey(enctype: Int32, key: SecretBytes) throws(RxSecurityFailure) -> SecretBytes {
    guard enctype > 0, !refusedTypes.contains(enctype) else {
      throw RxSecurityFailure(code: .rxkadBadKey, reason: "no rxkad key can be made of encryption type \(enctype)")
    }
    if desTypes.contains(enctype) {
      guard key.count == RxkadCredential.sessionKeyByteCount else { throw badLength(enctype) }
      return key
    }
    if tripleDESTypes.contains(enctype) {
      guard key.count.isMultiple(of: 8), key.count >= 8 else { throw badLength(enctype) }
      return try derive(from: withoutParity(key))
    }
    guard key.count >= 7 else { throw badLength(enctype) }
    return try derive(from: key)
  }

  private static func badLength(_ enctype: Int32) -> RxSecurityFailure {
    RxSecurityFailure(code: .rxkadBadKey, reason: "a key of encryption type \(enctype) has a wrong length")
  }

  /// The first 64 bits of HMAC-MD5(key, counter | "rxkad" | 0 | 64 as 32 bits), with parity; the next counter when they
  /// make a weak key.
  private static func derive(from key: SecretBytes) throws(RxSecurityFailure) -> SecretBytes {
    var digest = [UInt8](repeating: 0, count: 16)
    defer { ConstantTime.wipe(&digest) }
    for counter in UInt8(1)...255 {
      let input = [counter] + Array("rxkad".utf8) + [0, 0, 0, 0, 64]
      let isDone = key.withUnsafeBytes { key in
        afsfuse_hmac("MD5", key.baseAddress, key.count, input, input.count, &digest, digest.count)
      }
      guard isDone == 1 else {
        throw RxSecurityFailure(code: .rxkadBadKey, reason: "libcrypto refuses HMAC-MD5, which rxkad needs")
      }
      afsfuse_des_set_odd_parity(&digest)
      if afsfuse_des_is_weak(digest) == 0 {
        return digest.withUnsafeBytes { SecretBytes(UnsafeRawBufferPointer(rebasing: $0[..<8])) }
      }
    }
    throw RxSecurityFailure(code: .rxkadBadKey, reason: "all keys derived are weak")
  }

  /// The inverse of RFC 3961's random-to-key for triple DES: 8 bytes to 7, the eighth one's bits back to where the
  /// others' parity stands.
  private static func withoutParity(_ key: SecretBytes) -> SecretBytes {
    SecretBytes(count: key.count / 8 * 7) { compressed in
      key.withUnsafeBytes { key in
        for group in 0..<(key.count / 8) {
          let bits = key[group * 8 + 7] >> 1
          for index in 0..<7 {
            compressed[group * 7 + index] = key[group * 8 + index] & 0xFE | bits >> UInt8(index) & 1
          }
        }
      }
    }
  }
}
