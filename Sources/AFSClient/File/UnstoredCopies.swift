internal import AFSBase
internal import AFSCache
internal import AFSTypes
internal import Glibc
internal import Synchronization
package import SystemPackage

/// Where changes end that could not be stored before the mount did: as files in a folder of their own, which nothing
/// reads or removes.
package struct UnstoredCopies: Sendable {
  package static let folderName = "unstored"
  private static let pieceByteCount = 1 << 20

  package let folder: FilePath

  package init(in directory: FilePath) {
    folder = directory.appending(Self.folderName)
  }

  /// What became of one file.
  package struct Copy: Sendable {
    package var path: FilePath
    /// Bytes that were never changed here, and were not in the cache either: they are zeros in the copy.
    package var absentByteCount: UInt64
  }

  /// Copies what of the file is in the cache, its changes among it.
  /// - Parameter name: what the user calls it; other characters than a file's name may have are replaced.
  func keep(_ contents: FileContents, name: String, now: WallTime) throws -> Copy {
    let fid = contents.file.fid
    let label = String(
      decoding: name.utf8.suffix(150).map { $0 == UInt8(ascii: "/") || $0 < 0x20 ? UInt8(ascii: "_") : $0 },
      as: UTF8.self)
    let path = folder.appending("\(label).\(fid).\(now.seconds)")
    try mkdir(folder)
    let file = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .exclusiveCreate, .noFollow, .closeOnExec], permissions: .ownerReadWrite)
    return Copy(path: path, absentByteCount: try file.closeAfter { try copy(contents, to: file) })
  }

  /// - Returns: how many bytes are absent.
  private func copy(_ contents: FileContents, to file: FileDescriptor) throws -> UInt64 {
    let (present, size, absent) = contents.presentBytes
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceByteCount, alignment: 16)
    defer { buffer.deallocate() }
    for range in present.ranges {
      var offset = range.lowerBound
      while offset < range.upperBound {
        let count = Int(min(range.upperBound - offset, UInt64(Self.pieceByteCount)))
        let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
        guard case .done(count) = contents.readNow(at: offset, into: piece) else { throw Errno.ioError }
        try file.writeAll(toAbsoluteOffset: Int64(offset), piece)
        offset += UInt64(count)
      }
    }
    try file.resize(to: Int64(size))
    return absent
  }

  private func mkdir(_ folder: FilePath) throws {
    guard Glibc.mkdir(folder.string, 0o700) != 0, errno != EEXIST else { return }
    throw Errno(rawValue: errno)
  }
}

extension FileContents {
  /// What of the file is in the cache file, its size, and how many of its bytes only the server has.
  var presentBytes: (present: RangeSet, size: UInt64, absentByteCount: UInt64) {
    guarded.withLock { guarded in
      let whole = 0..<guarded.state.size
      return (guarded.state.valid.intersection(whole), whole.upperBound, guarded.state.unknown(in: whole).missing.count)
    }
  }
}
