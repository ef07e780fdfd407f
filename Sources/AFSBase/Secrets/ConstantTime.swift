import Glibc

/// Work on secret bytes that takes the same time whatever they are, and leaves nothing behind.
public enum ConstantTime {
  /// Whether two runs of bytes are equal. Only their lengths show in the time it takes.
  public static func areEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count else { return false }
    var difference: UInt8 = 0
    for index in a.indices { difference |= a[index] ^ b[index] }
    return difference == 0
  }

  public static func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.withUnsafeBytes { a in b.withUnsafeBytes { b in areEqual(a, b) } }
  }

  /// Overwrites with zeros, which the compiler does not leave out.
  public static func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
    if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
  }

  /// As above. An array that shares its storage is copied first, and the other copy stays.
  public static func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { wipe($0) }
  }
}
