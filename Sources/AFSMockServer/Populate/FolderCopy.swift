public import AFSTypes
import Glibc
public import SystemPackage

extension MockCell {
  /// Copies a folder of this machine into a directory of a volume: files, folders, symbolic links, permission bits.
  /// Anything else (devices, sockets) is left out.
  /// - Returns: how many files, folders and links were copied.
  /// - Throws: the errno of the first thing that could not be read.
  @discardableResult
  public func populate(_ directory: FID, from folder: FilePath) throws(Errno) -> Int {
    guard let stream = opendir(folder.string) else { throw Errno(rawValue: errno) }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in Array(bytes.prefix { $0 != 0 }) }
      if name != Array(".".utf8), name != Array("..".utf8) { names.append(name) }
    }
    var count = 0
    for name in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      count += try populate(name, in: directory, from: folder.appending(String(decoding: name, as: UTF8.self)))
    }
    return count
  }

  private func populate(_ name: [UInt8], in directory: FID, from path: FilePath) throws(Errno) -> Int {
    var status = stat()
    guard lstat(path.string, &status) == 0 else { throw Errno(rawValue: errno) }
    let permissions = UInt16(status.st_mode & 0o7777)
    switch status.st_mode & S_IFMT {
    case S_IFDIR:
      guard let made = makeDirectory(String(decoding: name, as: UTF8.self), in: directory) else { return 0 }
      return try populate(made, from: path) + 1
    case S_IFREG:
      let bytes = try Self.bytes(of: path, count: Int(status.st_size))
      return makeFile(name, in: directory, bytes, permissions: permissions) == nil ? 0 : 1
    case S_IFLNK:
      let target = try Self.linkTarget(of: path)
      return makeSymbolicLink(name, in: directory, target: target) == nil ? 0 : 1
    default: return 0
    }
  }

  private static func bytes(of path: FilePath, count: Int) throws(Errno) -> [UInt8] {
    let descriptor = open(path.string, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Errno(rawValue: errno) }
    defer { close(descriptor) }
    var failure: Errno?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let taken = read(descriptor, buffer.baseAddress! + filled, count - filled)
        if taken < 0 { failure = Errno(rawValue: errno) }
        if taken <= 0 { break }
        filled += taken
      }
    }
    if let failure { throw failure }
    return bytes
  }

  private static func linkTarget(of path: FilePath) throws(Errno) -> [UInt8] {
    var failure: Errno?
    let target = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, filled in
      let count = buffer.withMemoryRebound(to: CChar.self) { readlink(path.string, $0.baseAddress!, $0.count) }
      if count < 0 { failure = Errno(rawValue: errno) } else { filled = count }
    }
    if let failure { throw failure }
    return target
  }
}
