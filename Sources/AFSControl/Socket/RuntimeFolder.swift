package import Glibc

/// The folder of the control sockets: one socket per mount point.
package struct RuntimeFolder: Hashable, Sendable {
  package let path: String
  /// Whose daemons listen there. A folder or a socket of anybody else's in that place is a trap: commands send tokens.
  package let owner: uid_t

  package init(path: String, owner: uid_t = geteuid()) {
    self.path = path
    self.owner = owner
  }

  /// `/run/afsfuse` for root, `$XDG_RUNTIME_DIR/afsfuse` for others; where that is not set, a folder in /tmp which
  /// only its owner can enter.
  package static var own: RuntimeFolder { own(of: geteuid(), variable) }

  private static var variable: String? { getenv("XDG_RUNTIME_DIR").map { String(cString: $0) } }

  private static func own(of user: uid_t, _ variable: String?) -> RuntimeFolder {
    if user == 0 { return RuntimeFolder(path: "/run/afsfuse") }
    if let variable, !variable.isEmpty { return RuntimeFolder(path: variable + "/afsfuse") }
    return RuntimeFolder(path: "/tmp/afsfuse-\(user)")
  }

  /// Makes `own` for a daemon: what is wrong with it is said before there is a mount.
  package static func makeOwn() throws(ControlError) { try makeOwn(of: geteuid(), variable) }

  /// - Parameter variable: the value of XDG_RUNTIME_DIR.
  static func makeOwn(of user: uid_t, _ variable: String?) throws(ControlError) {
    let folder = own(of: user, variable)
    do throws(ControlError) {
      // The daemon does not stay in the folder where it is started.
      guard folder.path.hasPrefix("/") else { throw .system(folder.path, errno: EINVAL) }
      try folder.make()
    } catch {
      guard user != 0, case .system(let path, let code) = error else { throw error }
      throw .badEnvironment(variable, path: path, errno: code)
    }
  }

  /// Where a command looks: root sees everybody's mounts. In /tmp everybody can make folders of any name: those which
  /// are not their user's are nobody's.
  package static var all: [RuntimeFolder] {
    var folders = [own]
    guard geteuid() == 0 else { return folders }
    for name in names(in: "/run/user") {
      if let user = uid_t(name) { folders.append(RuntimeFolder(path: "/run/user/\(name)/afsfuse", owner: user)) }
    }
    return folders + inTemporary("/tmp")
  }

  /// The folders of users in `parent`, each of which belongs to the user that its name tells.
  static func inTemporary(_ parent: String) -> [RuntimeFolder] {
    names(in: parent).compactMap { name in
      guard name.hasPrefix("afsfuse-"), let user = uid_t(name.dropFirst(8)) else { return nil }
      let folder = RuntimeFolder(path: "\(parent)/\(name)", owner: user)
      var status = stat()
      return lstat(folder.path, &status) == 0 && status.st_uid == user ? folder : nil
    }
  }

  /// Where daemons are that hold tokens of this user's: his own, and root's shared mounts.
  package static var withTokens: [RuntimeFolder] {
    geteuid() == 0 ? [own] : [own, RuntimeFolder(path: "/run/afsfuse", owner: 0)]
  }

  /// The socket of a mount point: a name of fixed length, for a socket's path has 107 bytes at most (unix(7)).
  package func socket(mountPoint: String) -> ControlSocket {
    let digits = String(Self.hash(mountPoint), radix: 16)
    return ControlSocket(
      path: path + "/" + String(repeating: "0", count: 16 - digits.count) + digits + ".sock", folder: self)
  }

  package var sockets: [ControlSocket] {
    Self.names(in: path).filter { $0.hasSuffix(".sock") }.sorted().map {
      ControlSocket(path: path + "/" + $0, folder: self)
    }
  }

  /// Makes the folder. One that others could write to is refused: they could put a socket of theirs in our place.
  func make() throws(ControlError) {
    if mkdir(path, 0o700) != 0, errno != EEXIST { throw .system(path, errno: errno) }
    try check()
    // Others find the sockets of shared mounts in root's; each socket's mode says who may use it.
    if geteuid() == 0, path == "/run/afsfuse" { chmod(path, 0o755) }
  }

  /// Only its owner can have put sockets there. Throws `.absent` when there is no folder.
  package func check() throws(ControlError) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      throw errno == ENOENT || errno == ENOTDIR ? .absent : .system(path, errno: errno)
    }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw .badFolder(path, reason: "is not a folder") }
    guard status.st_uid == owner else {
      throw .badFolder(path, reason: "belongs to user id \(status.st_uid), not to \(owner)")
    }
    guard status.st_mode & 0o022 == 0 else { throw .badFolder(path, reason: "can be written to by others") }
  }

  private static func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// FNV-1a, 64 bits.
  package static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}

func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }
