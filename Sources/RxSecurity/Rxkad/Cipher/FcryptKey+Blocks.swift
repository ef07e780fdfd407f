/// Single blocks, and the round function.
extension FcryptKey {
  /// What a round makes of a half, given the other half that carries its key already.
  ///
  /// A box's bits are the only ones at their places, so that `|` and `+` join them as `^` would. A compiler keeps this
  /// order, and makes one chain of five of nothing but `^`: the next round waits for all of it. What the tables give
  /// first is combined first.
  @inline(__always)
  static func round(_ half: UInt32, _ keyedHalf: UInt32, _ tables: UnsafePointer<UInt32>) -> UInt32 {
    let input = keyedHalf.littleEndian
    let (box0, box1) = (tables[Int(input & 0xFF)], tables[256 + Int(input >> 8 & 0xFF)])
    let (box2, box3) = (tables[512 + Int(input >> 16 & 0xFF)], tables[768 + Int(input >> 24)])
    return (half ^ box0) ^ ((box1 | box3) &+ box2)
  }

  /// - Parameter keys: `FcryptKey.keys`. A key is put to a half two rounds before the half is an input, when nothing
  ///   waits for it.
  @inline(__always)
  static func encrypt(
    _ block: FcryptBlock, _ keys: UnsafePointer<UInt32>, _ tables: UnsafePointer<UInt32>
  ) -> FcryptBlock {
    var right = block.right ^ keys[0]
    var left = round(block.left ^ keys[1], right, tables)
    right = round(right ^ keys[2], left, tables)
    left = round(left ^ keys[3], right, tables)
    right = round(right ^ keys[4], left, tables)
    left = round(left ^ keys[5], right, tables)
    right = round(right ^ keys[6], left, tables)
    left = round(left ^ keys[7], right, tables)
    right = round(right ^ keys[8], left, tables)
    left = round(left ^ keys[9], right, tables)
    right = round(right ^ keys[10], left, tables)
    left = round(left ^ keys[11], right, tables)
    right = round(right ^ keys[12], left, tables)
    left = round(left ^ keys[13], right, tables)
    right = round(right ^ keys[14], left, tables)
    left = round(left ^ keys[15], right, tables)
    right = round(right ^ keys[16], left, tables)
    return FcryptBlock(left: left ^ keys[17], right: right)
  }

  /// - Parameter keys: `FcryptKey.keys`: the rounds, and so the keys, in reverse.
  @inline(__always)
  static func decrypt(
    _ block: FcryptBlock, _ keys: UnsafePointer<UInt32>, _ tables: UnsafePointer<UInt32>
  ) -> FcryptBlock {
    var left = block.left ^ keys[17]
    var right = round(block.right ^ keys[16], left, tables)
    left = round(left ^ keys[15], right, tables)
    right = round(right ^ keys[14], left, tables)
    left = round(left ^ keys[13], right, tables)
    right = round(right ^ keys[12], left, tables)
    left = round(left ^ keys[11], right, tables)
    right = round(right ^ keys[10], left, tables)
    left = round(left ^ keys[9], right, tables)
    right = round(right ^ keys[8], left, tables)
    left = round(left ^ keys[7], right, tables)
    right = round(right ^ keys[6], left, tables)
    left = round(left ^ keys[5], right, tables)
    right = round(right ^ keys[4], left, tables)
    left = round(left ^ keys[3], right, tables)
    right = round(right ^ keys[2], left, tables)
    left = round(left ^ keys[1], right, tables)
    return FcryptBlock(left: left, right: right ^ keys[0])
  }

  /// One block, as ECB mode has it.
  func encrypted(_ block: FcryptBlock) -> FcryptBlock { Self.encrypt(block, keys, tables) }
  func decrypted(_ block: FcryptBlock) -> FcryptBlock { Self.decrypt(block, keys, tables) }
}
