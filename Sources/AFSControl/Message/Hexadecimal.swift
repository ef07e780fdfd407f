import AFSBase

/// Bytes as pairs of hexadecimal digits, for messages.
enum Hexadecimal {
  private static let digits = Array("0123456789abcdef".utf8)

  static func append(_ secret: SecretBytes, to text: inout [UInt8]) {
    secret.withUnsafeBytes { bytes in
      for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
      }
    }
  }

  /// nil when it is none.
  static func secret(_ text: UnsafeRawBufferPointer) -> SecretBytes? {
    guard text.count.isMultiple(of: 2), text.allSatisfy({ value($0) != nil }) else { return nil }
    return SecretBytes(count: text.count / 2) { bytes in
      for index in bytes.indices {
        bytes[index] = (value(text[2 * index]) ?? 0) << 4 | (value(text[2 * index + 1]) ?? 0)
      }
    }
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
