import Foundation

/// The project's files as the tidy rules see them.
struct SourceTree {
  struct File {
    /// Relative to the project's root.
    let path: String
    let lines: [Substring]

    /// The target or test suite that the file belongs to.
    var target: String { String(path.split(separator: "/")[1]) }
    var isGenerated: Bool { path.contains("/Generated/") }
  }

  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// All Swift files below `folder`.
  static func swiftFiles(below folder: String) throws -> [File] {
    let base = root.appending(path: folder)
    let paths = FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String } ?? []
    return try paths.filter { $0.hasSuffix(".swift") }.sorted().map { path in
      let text = try String(contentsOf: base.appending(path: path), encoding: .utf8)
      return File(path: "\(folder)/\(path)", lines: text.split(separator: "\n", omittingEmptySubsequences: false))
    }
  }
}
