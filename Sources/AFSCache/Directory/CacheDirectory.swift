internal import Glibc

/// The folder of the disk cache: who may use it, of which version it is, and where a vnode's file lies.
///
/// ```
/// LOCK         flock()ed for as long as a daemon uses the directory
/// VERSION      one line: the layout's number
/// vnodes/XX/   the sparse files of the vnodes, in 256 folders which are made when first needed
/// ```
/// Everything below `vnodes` is removed at the start: the index is in memory only.
final class CacheDirectory: Sendable {
  /// The layout which this program writes.
  static let version = 1

  let path: String
  private let lock: CacheDescriptor

  /// Takes the directory (which is made if its parent exists), empties it.
  init(path: String) throws(CacheError) {
    self.path = path
    if mkdir(path, 0o700) != 0, errno != EEXIST { throw .system(errno: errno, operation: "mkdir \(path)") }
    try Self.checkForeignFiles(path)
    lock = try CacheDescriptor(path: path + "/LOCK", create: true)
    guard lock.lockExclusively() else { throw .inUse(directory: path) }
    try Self.checkVersion(path)
    try Self.removeTree(vnodes)
    guard mkdir(vnodes, 0o700) == 0 else { throw .system(errno: errno, operation: "mkdir \(vnodes)") }
  }

  private var vnodes: String { path + "/vnodes" }

  /// Opens the file of a vnode, which must be there.
  func open(_ key: CacheKey) throws(CacheError) -> CacheDescriptor {
    try CacheDescriptor(path: vnodes + "/" + key.folderName + "/" + key.fileName, create: false)
  }

  /// Makes the file of a vnode, and its folder, when missing; empties it.
  func create(_ key: CacheKey) throws(CacheError) -> CacheDescriptor {
    let folder = vnodes + "/" + key.folderName
    let file = folder + "/" + key.fileName
    do {
      return try CacheDescriptor(path: file, create: true, emptied: true)
    } catch .system(errno: ENOENT, _) {
      if mkdir(folder, 0o700) != 0, errno != EEXIST { throw .system(errno: errno, operation: "mkdir \(folder)") }
      return try CacheDescriptor(path: file, create: true, emptied: true)
    }
  }

  /// What its file system has for us, bytes; nil when it does not say.
  var availableBytes: UInt64? {
    var figures = statvfs()
    guard statvfs(path, &figures) == 0 else { return nil }
    return UInt64(figures.f_bavail) * UInt64(figures.f_frsize)
  }

  func remove(_ key: CacheKey) {
    // A file which cannot be removed is found and removed at the next start.
    _ = unlink(vnodes + "/" + key.folderName + "/" + key.fileName)
  }

  // MARK: Checks at the start

  /// A directory without a VERSION must be empty: a mistyped option must not cost anybody's files.
  private static func checkForeignFiles(_ path: String) throws(CacheError) {
    guard access(path + "/VERSION", F_OK) != 0 else { return }
    let harmless: Set<String> = ["LOCK", "lost+found"]
    for name in try names(in: path) where !harmless.contains(name) { throw .notACache(directory: path) }
  }

  private static func checkVersion(_ path: String) throws(CacheError) {
    let file = try CacheDescriptor(path: path + "/VERSION", create: true)
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = try bytes.withUnsafeMutableBufferPointer { buffer throws(CacheError) in
      try file.read(at: 0, into: UnsafeMutableRawBufferPointer(buffer))
    }
    if count == 0 {
      let text = Array("\(version)\n".utf8)
      try text.withUnsafeBufferPointer { buffer throws(CacheError) in
        try file.write(at: 0, UnsafeRawBufferPointer(buffer))
      }
      return
    }
    let line = bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }
    let found = String(decoding: line, as: UTF8.self)
    // An older layout holds nothing worth keeping: it is emptied like our own.
    guard let number = Int(found), (1...version).contains(number) else {
      throw .unknownVersion(directory: path, found: found)
    }
  }

  // MARK: Trees

  private static func names(in path: String) throws(CacheError) -> [String] {
    guard let stream = opendir(path) else { throw .system(errno: errno, operation: "opendir \(path)") }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Removes `vnodes`: two levels of folders, files below them.
  private static func removeTree(_ path: String, depth: Int = 0) throws(CacheError) {
    guard access(path, F_OK) == 0 else { return }
    for name in try names(in: path) {
      let child = path + "/" + name
      if unlink(child) == 0 { continue }
      guard errno == EISDIR || errno == EPERM, depth < 2 else {
        throw .system(errno: errno, operation: "unlink \(child)")
      }
      try removeTree(child, depth: depth + 1)
    }
    guard rmdir(path) == 0 else { throw .system(errno: errno, operation: "rmdir \(path)") }
  }
}
