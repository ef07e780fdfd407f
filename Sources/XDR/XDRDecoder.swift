/// Reads XDR values (RFC 4506) from bytes, never beyond their end.
///
/// A length found in the bytes is believed only as far as bytes are there: nothing is allocated for elements that
/// the message cannot hold. An error's offset is where the failed value begins: of an array whose element fails, the
/// element.
package struct XDRDecoder: Sendable {
  private let bytes: [UInt8]
  /// Bytes taken so far.
  package private(set) var offset = 0

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  package var remaining: Int { bytes.count - offset }

  /// Checks that every byte was taken.
  package func finish() throws(XDRError) {
    if remaining > 0 {
      throw XDRError(.trailingBytes(count: remaining), kind: .message, field: "end", offset: offset)
    }
  }

  // MARK: Numbers

  package mutating func uint32(_ field: StaticString) throws(XDRError) -> UInt32 {
    try word(field, .uint32)
  }

  package mutating func int32(_ field: StaticString) throws(XDRError) -> Int32 {
    Int32(bitPattern: try word(field, .int32))
  }

  package mutating func uint64(_ field: StaticString) throws(XDRError) -> UInt64 {
    try doubleWord(field, .uint64)
  }

  package mutating func int64(_ field: StaticString) throws(XDRError) -> Int64 {
    Int64(bitPattern: try doubleWord(field, .int64))
  }

  /// The low half of a word, as every peer's C code takes it.
  package mutating func uint16(_ field: StaticString) throws(XDRError) -> UInt16 {
    UInt16(truncatingIfNeeded: try word(field, .uint16))
  }

  /// The low half of a word, as every peer's C code takes it.
  package mutating func int16(_ field: StaticString) throws(XDRError) -> Int16 {
    Int16(truncatingIfNeeded: Int32(bitPattern: try word(field, .int16)))
  }

  /// The low byte of a word. Peers fill the upper bytes with the sign or with zeros, depending on what a C `char` is
  /// to them.
  package mutating func char(_ field: StaticString) throws(XDRError) -> UInt8 {
    UInt8(truncatingIfNeeded: try word(field, .char))
  }

  package mutating func bool(_ field: StaticString) throws(XDRError) -> Bool {
    let start = offset
    let value = try word(field, .bool)
    guard value <= 1 else {
      throw XDRError(.badValue(Int64(value)), kind: .bool, field: "\(field)", offset: start)
    }
    return value == 1
  }

  // MARK: Bytes

  /// Fixed-length opaque data: `count` bytes and the padding to a multiple of four. The padding's content is not
  /// looked at.
  package mutating func opaque(_ field: StaticString, count: Int) throws(XDRError) -> [UInt8] {
    try take(count, field, .opaque, start: offset)
  }

  /// Variable-length opaque data.
  package mutating func opaque(_ field: StaticString, max: Int) throws(XDRError) -> [UInt8] {
    let start = offset
    let count = try length(field, .opaque, max: max)
    return try take(count, field, .opaque, start: start)
  }

  /// A string, as its bytes: AFS says nothing about their character set.
  package mutating func string(_ field: StaticString, max: Int) throws(XDRError) -> [UInt8] {
    let start = offset
    let count = try length(field, .string, max: max)
    return try take(count, field, .string, start: start)
  }

  /// A fixed array of C characters, each in a word of its own: the bytes before the first NUL.
  package mutating func chars(_ field: StaticString, count: Int) throws(XDRError) -> [UInt8] {
    try require(count * 4, field, .char, start: offset)
    var text: [UInt8] = []
    for index in 0..<count {
      let byte = bytes[offset + index * 4 + 3]
      if byte == 0 { break }
      text.append(byte)
    }
    offset += count * 4
    return text
  }

  // MARK: Arrays

  /// A fixed-length array.
  package mutating func fixedArray<Element: XDRCodable>(
    _ field: StaticString, count: Int, of element: Element.Type = Element.self
  ) throws(XDRError) -> [Element] {
    try require(count * Element.xdrSizeMin, field, .array, start: offset)
    return try elements(count)
  }

  /// A variable-length array.
  package mutating func array<Element: XDRCodable>(
    _ field: StaticString, max: Int, of element: Element.Type = Element.self
  ) throws(XDRError) -> [Element] {
    let start = offset
    let count = try length(field, .array, max: max)
    try require(count * Element.xdrSizeMin, field, .array, start: start)
    return try elements(count)
  }

  private mutating func elements<Element: XDRCodable>(_ count: Int) throws(XDRError) -> [Element] {
    var result: [Element] = []
    result.reserveCapacity(count)
    for _ in 0..<count {
      result.append(try Element(from: &self))
    }
    return result
  }

  // MARK: Primitives

  private mutating func word(_ field: StaticString, _ kind: XDRError.Kind) throws(XDRError) -> UInt32 {
    try require(4, field, kind, start: offset)
    let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    offset += 4
    return UInt32(bigEndian: value)
  }

  private mutating func doubleWord(_ field: StaticString, _ kind: XDRError.Kind) throws(XDRError) -> UInt64 {
    try require(8, field, kind, start: offset)
    let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
    offset += 8
    return UInt64(bigEndian: value)
  }

  private mutating func length(_ field: StaticString, _ kind: XDRError.Kind, max: Int) throws(XDRError) -> Int {
    let start = offset
    let count = Int(try word(field, kind))
    guard count <= max else {
      throw XDRError(.tooLong(count: count, max: max), kind: kind, field: "\(field)", offset: start)
    }
    return count
  }

  private mutating func take(
    _ count: Int, _ field: StaticString, _ kind: XDRError.Kind, start: Int
  ) throws(XDRError) -> [UInt8] {
    let size = (count + 3) & ~3
    try require(size, field, kind, start: start)
    let value = [UInt8](bytes[offset..<offset + count])
    offset += size
    return value
  }

  private func require(
    _ count: Int, _ field: StaticString, _ kind: XDRError.Kind, start: Int
  ) throws(XDRError) {
    if count > remaining {
      throw XDRError(.truncated(missing: count - remaining), kind: kind, field: "\(field)", offset: start)
    }
  }
}
