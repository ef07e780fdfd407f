/// Lines of configuration files as bytes: they are ASCII but for comments, of which nobody knows the encoding.
enum ConfigurationText {
  static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || (9...13).contains(byte)
  }

  static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let start = bytes.drop(while: isBlank)
    guard let last = start.lastIndex(where: { !isBlank($0) }) else { return [] }
    return start[...last]
  }

  static func words(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    bytes.split(whereSeparator: isBlank)
  }

  /// What comes before the first `#`, and what comes after it.
  static func splitComment(_ bytes: ArraySlice<UInt8>) -> (content: ArraySlice<UInt8>, comment: ArraySlice<UInt8>) {
    guard let mark = bytes.firstIndex(of: UInt8(ascii: "#")) else { return (bytes, []) }
    return (bytes[..<mark], trimmed(bytes[(mark + 1)...]))
  }

  /// Bytes that are not UTF-8 become U+FFFD.
  static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
  }
}

/// IPv4 addresses in dotted decimal form.
enum IPv4Text {
  /// In host order; nil unless these are four decimal numbers up to 255.
  static func address(_ bytes: ArraySlice<UInt8>) -> UInt32? {
    let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var address: UInt32 = 0
    for part in parts {
      guard (1...3).contains(part.count), let octet = number(part), octet <= 255 else { return nil }
      address = address << 8 | octet
    }
    return address
  }

  static func address(_ text: some StringProtocol) -> UInt32? {
    address(Array(text.utf8)[...])
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> UInt32? {
    var value: UInt32 = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      value = value * 10 + UInt32(digit - UInt8(ascii: "0"))
    }
    return value
  }
}
