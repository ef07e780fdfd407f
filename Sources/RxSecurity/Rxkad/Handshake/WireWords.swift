/// Words in network order.
extension UnsafeRawBufferPointer {
  /// The word with this number; the caller has checked the size.
  func word(_ index: Int) -> UInt32 {
    UInt32(bigEndian: loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
  }
}

extension [UInt8] {
  mutating func append(word: UInt32) {
    for shift in stride(from: UInt32(24), through: 0, by: -8) { append(UInt8(truncatingIfNeeded: word >> shift)) }
  }
}
