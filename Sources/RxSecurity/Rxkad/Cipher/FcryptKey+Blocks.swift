/// Single blocks, and the round function.
extension FcryptKey {
  /// What a round adds to the other half.
  @inline(__always)
  static func round(_ half: UInt32, _ key: UInt32, _ tables: UnsafePointer<UInt32>) -> UInt32 {
    let input = (half ^ key).littleEndian
    return tables[Int(input & 0xFF)] ^ tables[256 + Int(input >> 8 & 0xFF)]
      ^ (tables[512 + Int(input >> 16 & 0xFF)] ^ tables[768 + Int(input >> 24)])
  }

  @inline(__always)
  static func encrypt(
    _ block: FcryptBlock, _ keys: UnsafePointer<UInt32>, _ tables: UnsafePointer<UInt32>
  ) -> FcryptBlock {
    var (left, right) = (block.left, block.right)
    left ^= round(right, keys[0], tables)
    right ^= round(left, keys[1], tables)
    left ^= round(right, keys[2], tables)
    right ^= round(left, keys[3], tables)
    left ^= round(right, keys[4], tables)
    right ^= round(left, keys[5], tables)
    left ^= round(right, keys[6], tables)
    right ^= round(left, keys[7], tables)
    left ^= round(right, keys[8], tables)
    right ^= round(left, keys[9], tables)
    left ^= round(right, keys[10], tables)
    right ^= round(left, keys[11], tables)
    left ^= round(right, keys[12], tables)
    right ^= round(left, keys[13], tables)
    left ^= round(right, keys[14], tables)
    right ^= round(left, keys[15], tables)
    return FcryptBlock(left: left, right: right)
  }

  @inline(__always)
  static func decrypt(
    _ block: FcryptBlock, _ keys: UnsafePointer<UInt32>, _ tables: UnsafePointer<UInt32>
  ) -> FcryptBlock {
    var (left, right) = (block.left, block.right)
    right ^= round(left, keys[15], tables)
    left ^= round(right, keys[14], tables)
    right ^= round(left, keys[13], tables)
    left ^= round(right, keys[12], tables)
    right ^= round(left, keys[11], tables)
    left ^= round(right, keys[10], tables)
    right ^= round(left, keys[9], tables)
    left ^= round(right, keys[8], tables)
    right ^= round(left, keys[7], tables)
    left ^= round(right, keys[6], tables)
    right ^= round(left, keys[5], tables)
    left ^= round(right, keys[4], tables)
    right ^= round(left, keys[3], tables)
    left ^= round(right, keys[2], tables)
    right ^= round(left, keys[1], tables)
    left ^= round(right, keys[0], tables)
    return FcryptBlock(left: left, right: right)
  }

  /// One block, as ECB mode has it.
  func encrypted(_ block: FcryptBlock) -> FcryptBlock { Self.encrypt(block, keys, tables) }
  func decrypted(_ block: FcryptBlock) -> FcryptBlock { Self.decrypt(block, keys, tables) }
}
