/// Reads the words and byte runs of a key's payload, big-endian as XDR, within bounds.
struct WordReader {
  private let bytes: ArraySlice<UInt8>
  private(set) var offset: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    offset = bytes.startIndex
  }

  var remaining: Int { bytes.endIndex - offset }

  mutating func word() throws(KeyPayloadError) -> UInt32 {
    try run(4).reduce(0) { $0 << 8 | UInt32($1) }
  }

  mutating func doubleWord() throws(KeyPayloadError) -> UInt64 {
    try run(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// `count` bytes as they are.
  mutating func run(_ count: Int) throws(KeyPayloadError) -> ArraySlice<UInt8> {
    guard count >= 0, count <= remaining else { throw .badLength }
    defer { offset += count }
    return bytes[offset..<offset + count]
  }

  /// `count` bytes, then zeros up to a multiple of 4.
  mutating func padded(_ count: Int) throws(KeyPayloadError) -> ArraySlice<UInt8> {
    let run = try run(count)
    guard try self.run((4 - count % 4) % 4).allSatisfy({ $0 == 0 }) else { throw .badField("padding") }
    return run
  }
}

extension [UInt8] {
  mutating func append(word: UInt32) {
    for shift in stride(from: UInt32(24), through: 0, by: -8) { append(UInt8(truncatingIfNeeded: word >> shift)) }
  }

  mutating func append(doubleWord: UInt64) {
    append(word: UInt32(truncatingIfNeeded: doubleWord >> 32))
    append(word: UInt32(truncatingIfNeeded: doubleWord))
  }

  /// With zeros up to a multiple of 4.
  mutating func append(padded run: some Collection<UInt8>) {
    append(contentsOf: run)
    append(contentsOf: repeatElement(0, count: (4 - run.count % 4) % 4))
  }
}
