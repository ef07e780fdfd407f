/// Linux's `struct cmsghdr` (cmsg(3)), whose macros Swift does not see: a length of 8 bytes which counts the header,
/// level and type of 4 bytes each, the data, and padding to a multiple of 8.
enum ControlMessage {
  static let headerBytes = 16

  static func space(_ dataBytes: Int) -> Int { headerBytes + (dataBytes + 7) & ~7 }

  static func store(
    level: Int32, type: Int32, _ value: UInt16, to memory: UnsafeMutableRawPointer
  ) {
    memory.storeBytes(of: headerBytes + 2, as: Int.self)
    memory.storeBytes(of: level, toByteOffset: 8, as: Int32.self)
    memory.storeBytes(of: type, toByteOffset: 12, as: Int32.self)
    memory.storeBytes(of: value, toByteOffset: headerBytes, as: UInt16.self)
  }

  /// Calls `body` with level, type and data of each message.
  static func forEach(
    in control: UnsafeRawBufferPointer, _ body: (_ level: Int32, _ type: Int32, _ data: UnsafeRawBufferPointer) -> Void
  ) {
    var offset = 0
    while offset + headerBytes <= control.count {
      let length = control.load(fromByteOffset: offset, as: Int.self)
      guard length >= headerBytes, length <= control.count - offset else { return }
      let level = control.load(fromByteOffset: offset + 8, as: Int32.self)
      let type = control.load(fromByteOffset: offset + 12, as: Int32.self)
      body(level, type, UnsafeRawBufferPointer(rebasing: control[(offset + headerBytes)..<(offset + length)]))
      offset += space(length - headerBytes)
    }
  }
}
