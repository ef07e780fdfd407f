/// Writes XDR values (RFC 4506).
package struct XDREncoder: Sendable {
  package private(set) var bytes: [UInt8] = []

  package init(capacity: Int = 0) {
    bytes.reserveCapacity(capacity)
  }

  // MARK: Numbers

  package mutating func uint32(_ value: UInt32) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }

  package mutating func int32(_ value: Int32) {
    uint32(UInt32(bitPattern: value))
  }

  package mutating func uint64(_ value: UInt64) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }

  package mutating func int64(_ value: Int64) {
    uint64(UInt64(bitPattern: value))
  }

  package mutating func uint16(_ value: UInt16) {
    uint32(UInt32(value))
  }

  package mutating func int16(_ value: Int16) {
    int32(Int32(value))
  }

  /// A C `char` in a word, sign-extended (OpenAFS src/rx/xdr.c, xdr_char).
  package mutating func char(_ value: UInt8) {
    int32(Int32(Int8(bitPattern: value)))
  }

  package mutating func bool(_ value: Bool) {
    uint32(value ? 1 : 0)
  }

  // MARK: Bytes

  /// Fixed-length opaque data; shorter values are filled up with zeros.
  package mutating func opaque(_ field: StaticString, _ value: [UInt8], count: Int) throws(XDRError) {
    try check(value.count, field, .opaque, max: count)
    bytes.append(contentsOf: value)
    zeros((count + 3) & ~3 - value.count)
  }

  /// Variable-length opaque data.
  package mutating func opaque(_ field: StaticString, _ value: [UInt8], max: Int) throws(XDRError) {
    try check(value.count, field, .opaque, max: max)
    variable(value)
  }

  /// A string, given as its bytes.
  package mutating func string(_ field: StaticString, _ value: [UInt8], max: Int) throws(XDRError) {
    try check(value.count, field, .string, max: max)
    variable(value)
  }

  /// A fixed array of C characters, each in a word of its own. At least one must remain for the closing NUL.
  package mutating func chars(_ field: StaticString, _ value: [UInt8], count: Int) throws(XDRError) {
    try check(value.count, field, .char, max: count - 1)
    for byte in value { char(byte) }
    zeros((count - value.count) * 4)
  }

  // MARK: Arrays

  /// A fixed-length array; missing elements are sent as zeros.
  package mutating func fixedArray<Element: XDRCodable>(
    _ field: StaticString, _ value: [Element], count: Int
  ) throws(XDRError) {
    try check(value.count, field, .array, max: count)
    for element in value { try element.encode(to: &self) }
    zeros((count - value.count) * Element.xdrSizeMin)
  }

  /// A variable-length array.
  package mutating func array<Element: XDRCodable>(
    _ field: StaticString, _ value: [Element], max: Int
  ) throws(XDRError) {
    try check(value.count, field, .array, max: max)
    uint32(UInt32(value.count))
    for element in value { try element.encode(to: &self) }
  }

  // MARK: Primitives

  private mutating func variable(_ value: [UInt8]) {
    uint32(UInt32(value.count))
    bytes.append(contentsOf: value)
    zeros(-value.count & 3)
  }

  private mutating func zeros(_ count: Int) {
    bytes.append(contentsOf: repeatElement(0, count: count))
  }

  private func check(_ count: Int, _ field: StaticString, _ kind: XDRError.Kind, max: Int) throws(XDRError) {
    if count > max {
      throw XDRError(.tooLong(count: count, max: max), kind: kind, field: "\(field)", offset: bytes.count)
    }
  }
}
