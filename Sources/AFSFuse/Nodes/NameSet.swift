/// A set of names, kept compactly: the names of one directory that the kernel may hold.
///
/// Names only come; all go at once. Takes a byte, and four to eight bytes of table, beside each name's bytes.
struct NameSet: Sendable {
  /// Length (one byte), then the name; repeated. A name has 1 to 255 bytes.
  private var bytes: [UInt8] = []
  /// Open addressing: 1 + offset into `bytes`, or 0. The size is a power of two.
  private var slots: [UInt32] = []
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  /// - Returns: true if the name is new.
  mutating func insert(_ name: UnsafeRawBufferPointer) -> Bool {
    precondition((1...255).contains(name.count))
    if (count + 1) * 4 > slots.count * 3 { grow() }
    let slot = slot(of: name)
    guard slots[slot] == 0 else { return false }
    slots[slot] = UInt32(bytes.count) + 1
    bytes.append(UInt8(name.count))
    bytes.append(contentsOf: name)
    count += 1
    return true
  }

  func contains(_ name: UnsafeRawBufferPointer) -> Bool {
    !slots.isEmpty && slots[slot(of: name)] != 0
  }

  func visit(_ body: (UnsafeRawBufferPointer) -> Void) {
    bytes.withUnsafeBytes { bytes in
      var offset = 0
      while offset < bytes.count {
        let end = offset + 1 + Int(bytes[offset])
        body(UnsafeRawBufferPointer(rebasing: bytes[offset + 1..<end]))
        offset = end
      }
    }
  }

  /// Where `name` is, or the free slot where it belongs.
  private func slot(of name: UnsafeRawBufferPointer) -> Int {
    let mask = slots.count - 1
    var slot = Self.hash(name) & mask
    bytes.withUnsafeBytes { bytes in
      while slots[slot] != 0 {
        let start = Int(slots[slot]) - 1
        if Int(bytes[start]) == name.count,
          UnsafeRawBufferPointer(rebasing: bytes[start + 1..<start + 1 + name.count]).elementsEqual(name)
        {
          return
        }
        slot = (slot + 1) & mask
      }
    }
    return slot
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: max(8, slots.count * 2))
    let mask = slots.count - 1
    var offset = 0
    bytes.withUnsafeBytes { bytes in
      while offset < bytes.count {
        let end = offset + 1 + Int(bytes[offset])
        var slot = Self.hash(UnsafeRawBufferPointer(rebasing: bytes[offset + 1..<end])) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = UInt32(offset) + 1
        offset = end
      }
    }
  }

  /// FNV-1a, 64 bits, its halves folded together.
  private static func hash(_ name: UnsafeRawBufferPointer) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return Int(truncatingIfNeeded: (hash ^ (hash >> 32)) & 0x7fff_ffff)
  }
}
