import CLinuxShims
import Glibc

/// A number that changes when a credential cache or keytab does: by the metadata of its files, so that it costs a few
/// system calls. Caches which are no files (KEYRING, KCM) have none: `isWatchable` is false.
package struct KerberosStamp: Sendable {
  private let paths: [String]
  private let folder: String?

  /// - Parameter name: a cache's or keytab's full name (`FILE:/tmp/krb5cc_0`, `DIR::/run/user/1/krb5cc/tkt`, a path).
  package init(name: String) {
    let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let (type, rest) = parts.count == 2 && !name.hasPrefix("/") ? (String(parts[0]), String(parts[1])) : ("FILE", name)
    switch type {
    case "FILE", "WRFILE", "SRVTAB":
      paths = [rest]
      folder = nil
    case "DIR":
      // `DIR:FOLDER`, or `DIR::FOLDER/FILE` for one cache of it.
      if rest.hasPrefix(":") {
        let file = String(rest.dropFirst())
        let slash = file.lastIndex(of: "/") ?? file.startIndex
        folder = String(file[..<slash])
      } else {
        folder = rest
      }
      paths = []
    default:
      paths = []
      folder = nil
    }
  }

  /// The files and folders that are looked at.
  package var watchedPaths: [String] { paths + (folder.map { [$0] } ?? []) }

  package var isWatchable: Bool { !paths.isEmpty || folder != nil }

  package var current: UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for path in paths { Self.mix(path, into: &hash) }
    if let folder {
      Self.mix(folder, into: &hash)
      for name in Self.names(in: folder) { Self.mix(folder + "/" + name, into: &hash) }
    }
    return hash
  }

  private static func mix(_ path: String, into hash: inout UInt64) {
    var status = stat()
    var words: [UInt64] = [0]
    if stat(path, &status) == 0 {
      words = [
        UInt64(status.st_ino), UInt64(bitPattern: Int64(status.st_size)),
        UInt64(bitPattern: Int64(status.st_mtim.tv_sec)), UInt64(status.st_mtim.tv_nsec),
        UInt64(bitPattern: Int64(status.st_ctim.tv_sec)), UInt64(status.st_ctim.tv_nsec),
      ]
    }
    for word in words { hash = (hash ^ word) &* 0x100_0000_01b3 }
  }

  /// In their order, a few at most: a collection has one file a principal.
  private static func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while names.count < 256, let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }
}
