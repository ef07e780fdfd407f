/// Writes what `DERReader` reads.
enum DERWriter {
  typealias Tag = DERReader.Tag

  static func element(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
    [tag] + length(contents.count) + contents
  }

  static func field(_ number: UInt8, _ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
    element(Tag.context(number), element(tag, contents))
  }

  private static func length(_ count: Int) -> [UInt8] {
    if count < 0x80 { return [UInt8(count)] }
    let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }.drop { $0 == 0 }
    return [0x80 | UInt8(bytes.count)] + bytes
  }

  /// The shortest two's complement form.
  static func integer(_ value: Int64) -> [UInt8] {
    var bytes = (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - Int64($0) * 8)) }
    while bytes.count > 1, bytes[0] == 0 && bytes[1] < 0x80 || bytes[0] == 0xFF && bytes[1] >= 0x80 {
      bytes.removeFirst()
    }
    return bytes
  }

  static func time(_ seconds: Int64) -> [UInt8] {
    let time = CivilTime(secondsSince1970: seconds)
    func digits(_ number: Int64, _ count: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(count - text.count, 0)) + text
    }
    return Array(
      (digits(time.year, 4) + digits(time.month, 2) + digits(time.day, 2) + digits(time.hour, 2)
        + digits(time.minute, 2) + digits(time.second, 2) + "Z").utf8)
  }
}
