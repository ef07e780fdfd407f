public import AFSTypes
import SystemPackage

/// What the configuration files of a directory say: `ThisCell`, `CellServDB` and `CellAlias`.
public struct CellFiles: Sendable {
  /// Another name for a cell, as the directory of all cells shows it.
  public struct Alias: Hashable, Sendable {
    public var alias: CellName
    public var cell: CellName
  }

  public enum Failure: Error, Hashable, CustomStringConvertible {
    /// The file exists, but cannot be read.
    case unreadable(path: String, errno: Int32)
    /// The directory that was asked for is not there.
    case noDirectory(path: String, errno: Int32)
    case tooLarge(path: String)
    /// The first word of `ThisCell` is no cell name.
    case badThisCell(path: String, text: String)

    public var description: String {
      switch self {
      case .unreadable(let path, let errno): "cannot read \(path): \(Errno(rawValue: errno))"
      case .noDirectory(let path, let errno): "no configuration directory \(path): \(Errno(rawValue: errno))"
      case .tooLarge(let path): "\(path) has more than \(CellFiles.lengthMax) bytes: it is no cell configuration"
      case .badThisCell(let path, let text): "\(path) does not hold a cell name but: \(text)"
      }
    }
  }

  /// Where OpenAFS keeps its client configuration on Linux distributions, and where it does by tradition
  /// (OpenAFS src/util/dirpath.hin, AFSDIR_CLIENT_ETC_DIR).
  public static let usualDirectories = ["/etc/openafs", "/usr/vice/etc"]
  /// The public CellServDB has 50 kB.
  static let lengthMax = 4 << 20

  /// Where the files are, or would be.
  public let directory: String
  /// nil when there is no `ThisCell`, or nothing in it.
  public let localCell: CellName?
  public let cellServDB: CellServDB
  public let aliases: [Alias]
  /// Names of files that are not there; that is no error.
  public let missing: [String]
  /// Lines that do not count, one text each with its file and line number.
  public let problems: [String]

  /// Reads `configurationDirectory` if there is one, else the first usual directory with any of the files in it.
  public static func load(configurationDirectory: String?) throws(Failure) -> CellFiles {
    try load(configurationDirectory: configurationDirectory, usual: usualDirectories)
  }

  static func load(configurationDirectory: String?, usual: [String]) throws(Failure) -> CellFiles {
    if let configurationDirectory {
      try checkDirectory(configurationDirectory)
      return try CellFiles(directory: configurationDirectory)
    }
    var first: CellFiles?
    for directory in usual {
      let files = try CellFiles(directory: directory)
      if files.missing.count < names.count { return files }
      first = first ?? files
    }
    if let first { return first }
    return try CellFiles(directory: usualDirectories[0])
  }

  private static let names = ["ThisCell", "CellServDB", "CellAlias"]

  init(directory: String) throws(Failure) {
    self.directory = directory
    var missing: [String] = []
    var contents: [[UInt8]] = []
    for name in Self.names {
      let bytes = try Self.read("\(directory)/\(name)")
      if bytes == nil { missing.append(name) }
      contents.append(bytes ?? [])
    }
    self.missing = missing
    localCell = try Self.thisCell(contents[0], path: "\(directory)/ThisCell")
    cellServDB = CellServDB(parsing: contents[1])
    let (aliases, problems) = Self.aliases(contents[2])
    self.aliases = aliases
    self.problems =
      cellServDB.problems.map { "\(directory)/CellServDB, \($0)" } + problems.map { "\(directory)/CellAlias, \($0)" }
  }

  // MARK: Contents

  /// The first word; OpenAFS reads the first line.
  static func thisCell(_ bytes: [UInt8], path: String) throws(Failure) -> CellName? {
    guard let word = ConfigurationText.words(bytes[...]).first else { return nil }
    let text = ConfigurationText.text(word)
    guard let name = CellName(text) else { throw .badThisCell(path: path, text: text) }
    return name
  }

  /// Lines `cell alias` (OpenAFS src/auth/cellconfig.c).
  static func aliases(_ bytes: [UInt8]) -> (aliases: [Alias], problems: [CellServDB.Problem]) {
    var aliases: [Alias] = []
    var problems: [CellServDB.Problem] = []
    for (index, raw) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      let line = ConfigurationText.trimmed(raw)
      let names = ConfigurationText.words(ConfigurationText.splitComment(line).content).map {
        CellName(ConfigurationText.text($0))
      }
      if names.isEmpty { continue }
      guard names.count == 2, let cell = names[0], let alias = names[1] else {
        problems.append(
          CellServDB.Problem(
            line: index + 1, text: ConfigurationText.text(line), reason: "not a cell name and an alias"))
        continue
      }
      aliases.append(Alias(alias: alias, cell: cell))
    }
    return (aliases, problems)
  }

  // MARK: Files

  private static func checkDirectory(_ path: String) throws(Failure) {
    do {
      try FileDescriptor.open(FilePath(path), .readOnly, options: [.directory, .closeOnExec]).close()
    } catch let error as Errno {
      throw .noDirectory(path: path, errno: error.rawValue)
    } catch {
      throw .noDirectory(path: path, errno: Errno.ioError.rawValue)
    }
  }

  /// nil when there is no such file.
  private static func read(_ path: String) throws(Failure) -> [UInt8]? {
    do {
      // A FIFO in place of the file must not stop us.
      let file = try FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec, .nonBlocking])
      return try file.closeAfter { try file.contents(lengthMax: lengthMax) }
    } catch Errno.noSuchFileOrDirectory, Errno.notDirectory {
      return nil
    } catch let error as Failure {
      throw error
    } catch let error as Errno {
      throw error == .fileTooLarge ? .tooLarge(path: path) : .unreadable(path: path, errno: error.rawValue)
    } catch {
      throw .unreadable(path: path, errno: Errno.ioError.rawValue)
    }
  }
}
