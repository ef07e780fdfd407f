import AFSBase

/// A session key made ready for fcrypt: 16 round keys of 32 bits, and the key itself, which rxkad uses as the
/// initialization vector everywhere. Wiped at its end.
final class FcryptKey: @unchecked Sendable {
  // In pages of their own as every secret: written in `init` only, and there as long as this object.
  private let memory: SecretBytes
  let tables = FcryptTables.words

  /// The round keys as the rounds want them: a half always carries the key of the round that it will be the input of.
  /// Words 0 and 1 put the first two keys in, words 2 to 15 change a half's key for its next one, words 16 and 17 take
  /// the last two out.
  let keys: UnsafePointer<UInt32>
  /// The key as initialization vector.
  var vector: FcryptBlock { FcryptBlock(loading: keys + Self.foldedCount) }

  static let rounds = 16
  static let blockByteCount = 8
  private static let foldedCount = rounds + 2

  /// - Parameter key: 8 bytes in memory order.
  init(_ key: UInt64) {
    memory = SecretBytes(count: Self.foldedCount * 4 + Self.blockByteCount) { memory in
      memory.storeBytes(of: key, toByteOffset: Self.foldedCount * 4, as: UInt64.self)
      Self.fold(key, into: memory.bindMemory(to: UInt32.self))
    }
    keys = memory.withUnsafeBytes { $0.baseAddress!.assumingMemoryBound(to: UInt32.self) }
  }

  /// The key's parity bits do not count; its other 56 bits, in a ring, give their lowest 32 to each round, and turn
  /// right by 11 from one round to the next (OpenAFS src/rxkad/fcrypt.c, fc_keysched).
  private static func fold(_ key: UInt64, into words: UnsafeMutableBufferPointer<UInt32>) {
    var ring: UInt64 = 0
    for index in 0..<UInt64(8) {
      let byte = key.bigEndian >> (56 - index * 8) & 0xFF
      ring = ring << 7 | byte >> 1
    }
    for round in 0..<rounds {
      let roundKey = UInt32(truncatingIfNeeded: ring).bigEndian
      words[round] ^= roundKey
      words[round + 2] = roundKey
      ring = ring >> 11 | (ring & 0x7FF) << 45
    }
  }

  convenience init(_ key: SecretBytes) {
    self.init(key.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
  }
}
