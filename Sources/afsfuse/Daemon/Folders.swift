import Glibc

/// Folders that the daemon keeps things in.
enum Folders {
  /// Makes a folder and those above it that are missing; only the owner can enter new ones.
  static func make(_ path: String) throws(Failure) {
    var partial = ""
    for component in path.split(separator: "/") {
      partial += "/" + component
      if mkdir(partial, 0o700) == 0 || errno == EEXIST { continue }
      let code = errno
      // A folder that is there but may not be written to says EROFS or EACCES before EEXIST on some file systems.
      if access(partial, F_OK) != 0 { throw Failure("\(partial): \(String(cString: strerror(code)))") }
    }
  }
}
