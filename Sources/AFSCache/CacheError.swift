internal import Glibc

/// Why the cache could not do what it was asked for.
package enum CacheError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Another daemon uses the directory.
  case inUse(directory: String)
  /// The directory holds other things than a cache: nothing in it was touched.
  case notACache(directory: String)
  /// The directory's VERSION is newer than this program, or damaged.
  case unknownVersion(directory: String, found: String)
  /// A system call on a file of the cache failed with this errno; `operation` names it.
  case system(errno: Int32, operation: String)

  package var description: String {
    switch self {
    case .inUse(let directory): "cache directory \(directory) is in use by another afsfuse"
    case .notACache(let directory): "\(directory) holds files but no afsfuse cache: name an empty folder"
    case .unknownVersion(let directory, let found):
      "cache directory \(directory) has version '\(found)', which this afsfuse does not know: remove it or name another"
    case .system(let errno, let operation): "cache: \(operation): \(String(cString: strerror(errno)))"
    }
  }
}
