/// SipHash-2-4 over 64-bit words (Aumasson, Bernstein, "SipHash: a fast short-input PRF", 2012): who does not know the
/// key can neither compute a value nor learn anything from those seen.
public struct SipHash: BitwiseCopyable, Sendable {
  private var v0: UInt64
  private var v1: UInt64
  private var v2: UInt64
  private var v3: UInt64
  private var wordCount: UInt64 = 0

  public init(_ key: RandomKey) {
    v0 = key.first ^ 0x736F_6D65_7073_6575
    v1 = key.second ^ 0x646F_7261_6E64_6F6D
    v2 = key.first ^ 0x6C79_6765_6E65_7261
    v3 = key.second ^ 0x7465_6462_7974_6573
  }

  /// The word's bytes count with the lowest first.
  public mutating func add(_ word: UInt64) {
    v3 ^= word
    round()
    round()
    v0 ^= word
    wordCount += 1
  }

  public mutating func finish() -> UInt64 {
    // The last word holds the number of bytes in its highest.
    add(wordCount &* 8 << 56)
    v2 ^= 0xFF
    for _ in 0..<4 { round() }
    return v0 ^ v1 ^ v2 ^ v3
  }

  private mutating func round() {
    v0 &+= v1
    v1 = Self.rotate(v1, 13) ^ v0
    v0 = Self.rotate(v0, 32)
    v2 &+= v3
    v3 = Self.rotate(v3, 16) ^ v2
    v0 &+= v3
    v3 = Self.rotate(v3, 21) ^ v0
    v2 &+= v1
    v1 = Self.rotate(v1, 17) ^ v2
    v2 = Self.rotate(v2, 32)
  }

  private static func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 { word &<< count | word &>> (64 &- count) }
}
