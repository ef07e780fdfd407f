/// Runs of blocks in PCBC mode: each block is combined with the plaintext and the ciphertext of the one before it
/// (OpenAFS src/rxkad/fcrypt.c, fc_cbc_encrypt, which has CBC in its name only).
extension FcryptKey {
  /// Encrypts in place.
  /// - Parameter vector: what the first block is combined with; the key itself in all of rxkad.
  func encryptChained(_ bytes: UnsafeMutableRawBufferPointer, vector: FcryptBlock) {
    let (keys, tables) = (keys, tables)
    guard var place = bytes.baseAddress else { return }
    var chain = vector
    for _ in 0..<(bytes.count / Self.blockByteCount) {
      let plain = FcryptBlock(loading: place)
      let cipher = Self.encrypt(plain ^ chain, keys, tables)
      cipher.store(to: place)
      chain = plain ^ cipher
      place += Self.blockByteCount
    }
  }

  /// Encrypts two runs in place, a block of each at a time. Within a run each block waits for the one before it, which
  /// leaves most of a processor idle: the second run costs next to nothing.
  func encryptChained(
    _ first: UnsafeMutableRawBufferPointer, _ second: UnsafeMutableRawBufferPointer, vector: FcryptBlock
  ) {
    let (keys, tables) = (keys, tables)
    let common = min(first.count, second.count) / Self.blockByteCount
    guard common > 0, var place1 = first.baseAddress, var place2 = second.baseAddress else {
      encryptChained(first, vector: vector)
      return encryptChained(second, vector: vector)
    }
    var (chain1, chain2) = (vector, vector)
    for _ in 0..<common {
      let (plain1, plain2) = (FcryptBlock(loading: place1), FcryptBlock(loading: place2))
      let (cipher1, cipher2) = Self.encryptPair(plain1 ^ chain1, plain2 ^ chain2, keys, tables)
      cipher1.store(to: place1)
      cipher2.store(to: place2)
      (chain1, chain2) = (plain1 ^ cipher1, plain2 ^ cipher2)
      place1 += Self.blockByteCount
      place2 += Self.blockByteCount
    }
    let done = common * Self.blockByteCount
    encryptChained(UnsafeMutableRawBufferPointer(rebasing: first[done...]), vector: chain1)
    encryptChained(UnsafeMutableRawBufferPointer(rebasing: second[done...]), vector: chain2)
  }

  /// Decrypts in place: two blocks at a time, for they do not wait for each other.
  func decryptChained(_ bytes: UnsafeMutableRawBufferPointer, vector: FcryptBlock) {
    let (keys, tables) = (keys, tables)
    guard var place = bytes.baseAddress else { return }
    var chain = vector
    let blocks = bytes.count / Self.blockByteCount
    for _ in 0..<(blocks / 2) {
      let cipher1 = FcryptBlock(loading: place)
      let cipher2 = FcryptBlock(loading: place + Self.blockByteCount)
      let (open1, open2) = Self.decryptPair(cipher1, cipher2, keys, tables)
      let plain1 = open1 ^ chain
      let plain2 = open2 ^ plain1 ^ cipher1
      plain1.store(to: place)
      plain2.store(to: place + Self.blockByteCount)
      chain = plain2 ^ cipher2
      place += 2 * Self.blockByteCount
    }
    guard blocks & 1 == 1 else { return }
    (Self.decrypt(FcryptBlock(loading: place), keys, tables) ^ chain).store(to: place)
  }

  @inline(__always)
  private static func encryptPair(
    _ a: FcryptBlock, _ b: FcryptBlock, _ keys: UnsafePointer<UInt32>, _ tables: UnsafePointer<UInt32>
  ) -> (FcryptBlock, FcryptBlock) {
    var (a, b) = (a, b)
    var round = 0
    while round < rounds {
      a.left ^= Self.round(a.right, keys[round], tables)
      b.left ^= Self.round(b.right, keys[round], tables)
      a.right ^= Self.round(a.left, keys[round + 1], tables)
      b.right ^= Self.round(b.left, keys[round + 1], tables)
      round += 2
    }
    return (a, b)
  }

  @inline(__always)
  private static func decryptPair(
    _ a: FcryptBlock, _ b: FcryptBlock, _ keys: UnsafePointer<UInt32>, _ tables: UnsafePointer<UInt32>
  ) -> (FcryptBlock, FcryptBlock) {
    var (a, b) = (a, b)
    var round = rounds - 1
    while round > 0 {
      a.right ^= Self.round(a.left, keys[round], tables)
      b.right ^= Self.round(b.left, keys[round], tables)
      a.left ^= Self.round(a.right, keys[round - 1], tables)
      b.left ^= Self.round(b.right, keys[round - 1], tables)
      round -= 2
    }
    return (a, b)
  }
}
