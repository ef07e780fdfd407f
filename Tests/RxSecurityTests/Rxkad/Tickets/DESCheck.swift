import CCrypto

/// DES for tests that build tickets byte by byte.
enum DESCheck {
  static func pcbcEncrypt(_ bytes: [UInt8], key: [UInt8], into out: inout [UInt8]) -> Bool {
    afsfuse_des_pcbc(1, key, key, bytes, &out, bytes.count) == 1
  }
}
