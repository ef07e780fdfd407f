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

  /// Two blocks in step.
  @inline(__always)
  private static func encryptPair(
    _ a: FcryptBlock, _ b: FcryptBlock, _ keys: UnsafePointer<UInt32>, _ tables: UnsafePointer<UInt32>
  ) -> (FcryptBlock, FcryptBlock) {
    var (right1, right2) = (a.right ^ keys[0], b.right ^ keys[0])
    var (left1, left2) = (a.left ^ keys[1], b.left ^ keys[1])
    left1 = round(left1, right1, tables)
    left2 = round(left2, right2, tables)
    var next = 2
    while next < rounds {
      right1 = round(right1 ^ keys[next], left1, tables)
      right2 = round(right2 ^ keys[next], left2, tables)
      left1 = round(left1 ^ keys[next + 1], right1, tables)
      left2 = round(left2 ^ keys[next + 1], right2, tables)
      next += 2
    }
    right1 = round(right1 ^ keys[16], left1, tables)
    right2 = round(right2 ^ keys[16], left2, tables)
    return (
      FcryptBlock(left: left1 ^ keys[17], right: right1), FcryptBlock(left: left2 ^ keys[17], right: right2)
    )
  }

  @inline(__always)
  private static func decryptPair(
    _ a: FcryptBlock, _ b: FcryptBlock, _ keys: UnsafePointer<UInt32>, _ tables: UnsafePointer<UInt32>
  ) -> (FcryptBlock, FcryptBlock) {
    var (left1, left2) = (a.left ^ keys[17], b.left ^ keys[17])
    var (right1, right2) = (a.right ^ keys[16], b.right ^ keys[16])
    right1 = round(right1, left1, tables)
    right2 = round(right2, left2, tables)
    var next = rounds - 1
    while next > 1 {
      left1 = round(left1 ^ keys[next], right1, tables)
      left2 = round(left2 ^ keys[next], right2, tables)
      right1 = round(right1 ^ keys[next - 1], left1, tables)
      right2 = round(right2 ^ keys[next - 1], left2, tables)
      next -= 2
    }
    left1 = round(left1 ^ keys[1], right1, tables)
    left2 = round(left2 ^ keys[1], right2, tables)
    return (
      FcryptBlock(left: left1, right: right1 ^ keys[0]), FcryptBlock(left: left2, right: right2 ^ keys[0])
    )
  }
}
