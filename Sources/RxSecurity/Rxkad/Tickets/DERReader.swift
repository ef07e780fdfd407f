/// Reads the distinguished encoding rules of ASN.1 (ITU-T X.690 chapter 8 and 10) as far as Kerberos uses them: tags of
/// one byte, definite lengths. Bytes are borrowed; nothing is read beyond them.
struct DERReader {
  /// Why bytes are no such encoding.
  enum Failure: Error, Hashable {
    case endsEarly
    case unexpectedTag(UInt8)
    case badLength
    case badValue
  }

  /// Tag bytes.
  enum Tag {
    static let integer: UInt8 = 0x02
    static let bitString: UInt8 = 0x03
    static let octetString: UInt8 = 0x04
    static let sequence: UInt8 = 0x30
    static let generalString: UInt8 = 0x1B
    static let generalizedTime: UInt8 = 0x18
    static func context(_ number: UInt8) -> UInt8 { 0xA0 | number }
    static func application(_ number: UInt8) -> UInt8 { 0x60 | number }
  }

  private(set) var rest: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

  var nextTag: UInt8? { rest.first }

  /// The contents of the next element, which must have this tag.
  mutating func element(_ tag: UInt8) throws(Failure) -> UnsafeRawBufferPointer {
    guard let found = rest.first else { throw .endsEarly }
    guard found == tag else { throw .unexpectedTag(found) }
    let (headerByteCount, count) = try length()
    guard rest.count - headerByteCount >= count else { throw .endsEarly }
    defer { rest = UnsafeRawBufferPointer(rebasing: rest[(headerByteCount + count)...]) }
    return UnsafeRawBufferPointer(rebasing: rest[headerByteCount..<(headerByteCount + count)])
  }

  /// A reader of the next element's contents.
  mutating func inside(_ tag: UInt8) throws(Failure) -> DERReader { DERReader(try element(tag)) }

  /// The element of a field of a sequence; nil when the field is not there.
  mutating func field(_ number: UInt8, _ tag: UInt8) throws(Failure) -> UnsafeRawBufferPointer? {
    guard nextTag == Tag.context(number) else { return nil }
    var inner = try inside(Tag.context(number))
    return try inner.element(tag)
  }

  mutating func required(_ number: UInt8, _ tag: UInt8) throws(Failure) -> UnsafeRawBufferPointer {
    guard let contents = try field(number, tag) else { throw nextTag.map { .unexpectedTag($0) } ?? .endsEarly }
    return contents
  }

  /// Leaves a field out, if it is there.
  mutating func skip(_ number: UInt8) throws(Failure) {
    if nextTag == Tag.context(number) { _ = try element(Tag.context(number)) }
  }

  private func length() throws(Failure) -> (headerByteCount: Int, count: Int) {
    guard rest.count >= 2 else { throw .endsEarly }
    let first = rest[1]
    if first < 0x80 { return (2, Int(first)) }
    let byteCount = Int(first & 0x7F)
    guard (1...4).contains(byteCount) else { throw .badLength }
    guard rest.count >= 2 + byteCount else { throw .endsEarly }
    return (2 + byteCount, rest[2..<(2 + byteCount)].reduce(0) { $0 << 8 | Int($1) })
  }

  // MARK: Values

  /// Up to 64 bits, two's complement.
  static func integer(_ contents: UnsafeRawBufferPointer) throws(Failure) -> Int64 {
    guard (1...8).contains(contents.count) else { throw .badValue }
    return contents.reduce(contents[0] >= 0x80 ? -1 : 0) { $0 << 8 | Int64($1) }
  }

  static func string(_ contents: UnsafeRawBufferPointer) throws(Failure) -> String {
    guard let text = String(validating: contents, as: UTF8.self), !contents.contains(0) else { throw .badValue }
    return text
  }

  /// `YYYYMMDDhhmmssZ` as seconds since 1970 (RFC 4120 section 5.2.3).
  static func time(_ contents: UnsafeRawBufferPointer) throws(Failure) -> Int64 {
    guard contents.count == 15, contents[14] == UInt8(ascii: "Z") else { throw .badValue }
    var digits: [Int64] = []
    for byte in contents.prefix(14) {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { throw .badValue }
      digits.append(Int64(byte - UInt8(ascii: "0")))
    }
    func number(_ range: Range<Int>) -> Int64 { digits[range].reduce(0) { $0 * 10 + $1 } }
    guard
      let seconds = CivilTime(
        year: number(0..<4), month: number(4..<6), day: number(6..<8), hour: number(8..<10), minute: number(10..<12),
        second: number(12..<14)
      ).secondsSince1970
    else { throw .badValue }
    return seconds
  }
}
