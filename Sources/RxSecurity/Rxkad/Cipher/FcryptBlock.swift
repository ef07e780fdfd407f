/// Eight bytes under fcrypt, as two words in memory order.
struct FcryptBlock: Equatable {
  var left: UInt32
  var right: UInt32

  @inline(__always)
  init(left: UInt32, right: UInt32) {
    self.left = left
    self.right = right
  }

  @inline(__always)
  init(loading bytes: UnsafeRawPointer) {
    left = bytes.loadUnaligned(as: UInt32.self)
    right = (bytes + 4).loadUnaligned(as: UInt32.self)
  }

  @inline(__always)
  func store(to bytes: UnsafeMutableRawPointer) {
    bytes.storeBytes(of: left, as: UInt32.self)
    (bytes + 4).storeBytes(of: right, as: UInt32.self)
  }

  @inline(__always)
  static func ^ (a: FcryptBlock, b: FcryptBlock) -> FcryptBlock {
    FcryptBlock(left: a.left ^ b.left, right: a.right ^ b.right)
  }
}
