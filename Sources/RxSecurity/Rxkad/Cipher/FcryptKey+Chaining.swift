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

  /// Encrypts four runs in place, in step as far as the shortest goes.
  func encryptChained(
    _ first: UnsafeMutableRawBufferPointer, _ second: UnsafeMutableRawBufferPointer,
    _ third: UnsafeMutableRawBufferPointer, _ fourth: UnsafeMutableRawBufferPointer, vector: FcryptBlock
  ) {
    let (keys, tables) = (keys, tables)
    let common = min(first.count, second.count, third.count, fourth.count) / Self.blockByteCount
    let done = common * Self.blockByteCount
    var (chain1, chain2, chain3, chain4) = (vector, vector, vector, vector)
    if var place1 = first.baseAddress, var place2 = second.baseAddress, var place3 = third.baseAddress,
      var place4 = fourth.baseAddress
    {
      for _ in 0..<common {
        let (plain1, plain2) = (FcryptBlock(loading: place1), FcryptBlock(loading: place2))
        let (plain3, plain4) = (FcryptBlock(loading: place3), FcryptBlock(loading: place4))
        let (cipher1, cipher2, cipher3, cipher4) = Self.encryptFour(
          plain1 ^ chain1, plain2 ^ chain2, plain3 ^ chain3, plain4 ^ chain4, keys, tables)
        cipher1.store(to: place1)
        cipher2.store(to: place2)
        cipher3.store(to: place3)
        cipher4.store(to: place4)
        (chain1, chain2) = (plain1 ^ cipher1, plain2 ^ cipher2)
        (chain3, chain4) = (plain3 ^ cipher3, plain4 ^ cipher4)
        place1 += Self.blockByteCount
        place2 += Self.blockByteCount
        place3 += Self.blockByteCount
        place4 += Self.blockByteCount
      }
    }
    encryptChained(UnsafeMutableRawBufferPointer(rebasing: first[done...]), vector: chain1)
    encryptChained(UnsafeMutableRawBufferPointer(rebasing: second[done...]), vector: chain2)
    encryptChained(UnsafeMutableRawBufferPointer(rebasing: third[done...]), vector: chain3)
    encryptChained(UnsafeMutableRawBufferPointer(rebasing: fourth[done...]), vector: chain4)
  }

  /// Decrypts in place: four blocks at a time, for they do not wait for each other.
  func decryptChained(_ bytes: UnsafeMutableRawBufferPointer, vector: FcryptBlock) {
    let (keys, tables) = (keys, tables)
    guard var place = bytes.baseAddress else { return }
    var chain = vector
    let blocks = bytes.count / Self.blockByteCount
    for _ in 0..<(blocks / 4) {
      let cipher1 = FcryptBlock(loading: place)
      let cipher2 = FcryptBlock(loading: place + Self.blockByteCount)
      let cipher3 = FcryptBlock(loading: place + 2 * Self.blockByteCount)
      let cipher4 = FcryptBlock(loading: place + 3 * Self.blockByteCount)
      let (open1, open2, open3, open4) = Self.decryptFour(cipher1, cipher2, cipher3, cipher4, keys, tables)
      let plain1 = open1 ^ chain
      let plain2 = open2 ^ plain1 ^ cipher1
      let plain3 = open3 ^ plain2 ^ cipher2
      let plain4 = open4 ^ plain3 ^ cipher3
      plain1.store(to: place)
      plain2.store(to: place + Self.blockByteCount)
      plain3.store(to: place + 2 * Self.blockByteCount)
      plain4.store(to: place + 3 * Self.blockByteCount)
      chain = plain4 ^ cipher4
      place += 4 * Self.blockByteCount
    }
    for _ in 0..<(blocks & 3) {
      let cipher = FcryptBlock(loading: place)
      let plain = Self.decrypt(cipher, keys, tables) ^ chain
      plain.store(to: place)
      chain = plain ^ cipher
      place += Self.blockByteCount
    }
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
  private static func encryptFour(
    _ a: FcryptBlock, _ b: FcryptBlock, _ c: FcryptBlock, _ d: FcryptBlock, _ keys: UnsafePointer<UInt32>,
    _ tables: UnsafePointer<UInt32>
  ) -> (FcryptBlock, FcryptBlock, FcryptBlock, FcryptBlock) {
    var (right1, right2, right3, right4) = (a.right ^ keys[0], b.right ^ keys[0], c.right ^ keys[0], d.right ^ keys[0])
    var (left1, left2, left3, left4) = (a.left ^ keys[1], b.left ^ keys[1], c.left ^ keys[1], d.left ^ keys[1])
    left1 = round(left1, right1, tables)
    left2 = round(left2, right2, tables)
    left3 = round(left3, right3, tables)
    left4 = round(left4, right4, tables)
    var next = 2
    while next < rounds {
      let (key1, key2) = (keys[next], keys[next + 1])
      right1 = round(right1 ^ key1, left1, tables)
      right2 = round(right2 ^ key1, left2, tables)
      right3 = round(right3 ^ key1, left3, tables)
      right4 = round(right4 ^ key1, left4, tables)
      left1 = round(left1 ^ key2, right1, tables)
      left2 = round(left2 ^ key2, right2, tables)
      left3 = round(left3 ^ key2, right3, tables)
      left4 = round(left4 ^ key2, right4, tables)
      next += 2
    }
    right1 = round(right1 ^ keys[16], left1, tables)
    right2 = round(right2 ^ keys[16], left2, tables)
    right3 = round(right3 ^ keys[16], left3, tables)
    right4 = round(right4 ^ keys[16], left4, tables)
    return (
      FcryptBlock(left: left1 ^ keys[17], right: right1), FcryptBlock(left: left2 ^ keys[17], right: right2),
      FcryptBlock(left: left3 ^ keys[17], right: right3), FcryptBlock(left: left4 ^ keys[17], right: right4)
    )
  }

  @inline(__always)
  private static func decryptFour(
    _ a: FcryptBlock, _ b: FcryptBlock, _ c: FcryptBlock, _ d: FcryptBlock, _ keys: UnsafePointer<UInt32>,
    _ tables: UnsafePointer<UInt32>
  ) -> (FcryptBlock, FcryptBlock, FcryptBlock, FcryptBlock) {
    var (left1, left2, left3, left4) = (a.left ^ keys[17], b.left ^ keys[17], c.left ^ keys[17], d.left ^ keys[17])
    var (right1, right2, right3, right4) =
      (a.right ^ keys[16], b.right ^ keys[16], c.right ^ keys[16], d.right ^ keys[16])
    right1 = round(right1, left1, tables)
    right2 = round(right2, left2, tables)
    right3 = round(right3, left3, tables)
    right4 = round(right4, left4, tables)
    var next = rounds - 1
    while next > 1 {
      let (key1, key2) = (keys[next], keys[next - 1])
      left1 = round(left1 ^ key1, right1, tables)
      left2 = round(left2 ^ key1, right2, tables)
      left3 = round(left3 ^ key1, right3, tables)
      left4 = round(left4 ^ key1, right4, tables)
      right1 = round(right1 ^ key2, left1, tables)
      right2 = round(right2 ^ key2, left2, tables)
      right3 = round(right3 ^ key2, left3, tables)
      right4 = round(right4 ^ key2, left4, tables)
      next -= 2
    }
    left1 = round(left1 ^ keys[1], right1, tables)
    left2 = round(left2 ^ keys[1], right2, tables)
    left3 = round(left3 ^ keys[1], right3, tables)
    left4 = round(left4 ^ keys[1], right4, tables)
    return (
      FcryptBlock(left: left1, right: right1 ^ keys[0]), FcryptBlock(left: left2, right: right2 ^ keys[0]),
      FcryptBlock(left: left3, right: right3 ^ keys[0]), FcryptBlock(left: left4, right: right4 ^ keys[0])
    )
  }
}
