internal import SystemPackage

extension FileDescriptor {
  /// All bytes from the current offset to the end.
  /// - Throws: `Errno`: the system's, or EFBIG when there are more than `lengthMax`.
  func contents(lengthMax: Int = .max) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try chunk.withUnsafeMutableBytes { try read(into: $0) }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= lengthMax else { throw Errno.fileTooLarge }
    }
  }
}
