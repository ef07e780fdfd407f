import RxCore

/// Takes the fields of a decrypted native ticket, one after the other. Each is nil when the bytes are not of that form.
struct NativeTicketReader {
  private var rest: ArraySlice<UInt8>
  private var isLittleEndian = false

  init(_ clear: [UInt8]) { rest = clear[...] }

  /// Bytes taken so far.
  var taken: Int { rest.startIndex }

  /// The first byte's lowest bit tells the order of bytes in numbers.
  mutating func takeByteOrder() -> Bool {
    guard let flags = take(1)?.first else { return false }
    isLittleEndian = flags & 1 == 1
    return true
  }

  /// Name, instance and realm; the name is not empty.
  mutating func principal() -> RxPrincipal? {
    guard let name = string(atLeast: 1), let instance = string(atLeast: 0), let realm = string(atLeast: 0) else {
      return nil
    }
    return RxPrincipal(name: name, instance: instance, cell: realm)
  }

  /// A text that ends with a zero.
  mutating func string(atLeast minimum: Int) -> String? {
    guard let end = rest.prefix(NativeTicket.nameByteCountMax).firstIndex(of: 0), end - rest.startIndex >= minimum
    else { return nil }
    defer { rest = rest[(end + 1)...] }
    return String(validating: rest[..<end], as: UTF8.self)
  }

  mutating func number() -> UInt32? {
    guard let bytes = take(4) else { return nil }
    return isLittleEndian
      ? bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) } : bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }

  mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
    guard rest.count >= count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }
}
