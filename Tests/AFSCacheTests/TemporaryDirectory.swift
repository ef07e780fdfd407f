import Foundation
import TestFolders

/// A folder of one test, and what a cache has in it.
final class TemporaryDirectory: Sendable {
  private let folder = TemporaryFolder()
  var path: String { folder.path }

  /// Paths of all files below, relative.
  var files: [String] {
    let all = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    return all.filter { name in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: path + "/" + name, isDirectory: &isFolder) && !isFolder.boolValue
    }.sorted()
  }

  var cacheFiles: [String] { files.filter { $0.hasPrefix("vnodes/") } }

  /// Blocks of all cache files, bytes.
  var allocatedBytes: UInt64 {
    cacheFiles.reduce(0) { sum, name in
      var status = stat()
      return lstat(path + "/" + name, &status) == 0 ? sum + UInt64(status.st_blocks) * 512 : sum
    }
  }

  /// Descriptors of this process which are open on cache files below.
  var openCacheFiles: Int {
    let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return numbers.filter { number in
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + number)
      return target?.contains(path.split(separator: "/").last! + "/vnodes/") ?? false
    }.count
  }

  func write(_ text: String, to name: String) throws {
    try text.write(toFile: path + "/" + name, atomically: false, encoding: .utf8)
  }

  func text(of name: String) throws -> String {
    try String(contentsOfFile: path + "/" + name, encoding: .utf8)
  }
}
