import AFSBase

/// A session key made ready for fcrypt: 16 round keys of 32 bits, and the key itself, which rxkad uses as the
/// initialization vector everywhere. Wiped at its end.
final class FcryptKey: @unchecked Sendable {
  // Written in `init` only.
  private let foldedKeys: UnsafeMutablePointer<UInt32>
  let tables = FcryptTables.words
  /// The key's bytes as a block.
  private let vectorWords: UnsafeMutablePointer<FcryptBlock>

  /// The round keys as the rounds want them: a half always carries the key of the round that it will be the input of.
  /// Words 0 and 1 put the first two keys in, words 2 to 15 change a half's key for its next one, words 16 and 17 take
  /// the last two out.
  var keys: UnsafePointer<UInt32> { UnsafePointer(foldedKeys) }
  /// The key as initialization vector.
  var vector: FcryptBlock { vectorWords.pointee }

  static let rounds = 16
  static let blockByteCount = 8
  private static let foldedCount = rounds + 2

  /// The key's parity bits do not count; its other 56 bits, in a ring, give their lowest 32 to each round, and turn
  /// right by 11 from one round to the next (OpenAFS src/rxkad/fcrypt.c, fc_keysched).
  /// - Parameter key: 8 bytes in memory order.
  init(_ key: UInt64) {
    foldedKeys = .allocate(capacity: Self.foldedCount)
    foldedKeys.initialize(repeating: 0, count: Self.foldedCount)
    vectorWords = .allocate(capacity: 1)
    vectorWords.initialize(to: withUnsafeBytes(of: key) { FcryptBlock(loading: $0.baseAddress!) })
    var ring: UInt64 = 0
    for index in 0..<UInt64(8) {
      let byte = key.bigEndian >> (56 - index * 8) & 0xFF
      ring = ring << 7 | byte >> 1
    }
    for round in 0..<Self.rounds {
      let roundKey = UInt32(truncatingIfNeeded: ring).bigEndian
      foldedKeys[round] ^= roundKey
      foldedKeys[round + 2] = roundKey
      ring = ring >> 11 | (ring & 0x7FF) << 45
    }
  }

  convenience init(_ key: SecretBytes) {
    self.init(key.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
  }

  deinit {
    ConstantTime.wipe(UnsafeMutableRawBufferPointer(start: foldedKeys, count: Self.foldedCount * 4))
    ConstantTime.wipe(UnsafeMutableRawBufferPointer(start: vectorWords, count: Self.blockByteCount))
    foldedKeys.deallocate()
    vectorWords.deallocate()
  }
}
