public import AFSTypes

/// The contents of a CellServDB file: cells and their database servers.
///
/// The format is that of OpenAFS (src/auth/cellconfig.c): a line `>cell [linked cell] [# comment]` begins a cell,
/// lines `a.b.c.d #host name` below it are its servers, `[a.b.c.d]` a server which is a read-only clone. Blank lines
/// and comment lines do not count, and neither does the encoding: only comments have other characters than ASCII.
///
/// Unlike OpenAFS a malformed line does not spoil the file: it becomes a problem, and the rest counts. A comment line
/// below a cell that is one host name (`# afsdb1.example.org`) is kept as a name for a cell without addresses.
public struct CellServDB: Hashable, Sendable {
  public struct Server: Hashable, Sendable {
    /// In host order.
    public var address: UInt32
    /// As the comment says; the address is what counts.
    public var hostName: String?
    /// A server that has the database, but can never be the one that changes it.
    public var isClone: Bool

    public init(address: UInt32, hostName: String? = nil, isClone: Bool = false) {
      self.address = address
      self.hostName = hostName
      self.isClone = isClone
    }
  }

  public struct Entry: Hashable, Sendable {
    public var name: CellName
    /// Where volumes are looked for which this cell does not have.
    public var linkedCell: CellName?
    /// What the organisation is called.
    public var comment: String
    public var servers: [Server]
    /// Host names without an address. They count only if the cell has no addresses.
    public var hostNames: [String]
  }

  /// A line that does not count.
  public struct Problem: Hashable, Sendable, CustomStringConvertible {
    /// Counted from 1.
    public var line: Int
    public var text: String
    public var reason: String

    public var description: String { "line \(line): \(reason): \(text)" }
  }

  /// In the order of the file; a cell that is listed twice is one entry with the servers of both.
  public private(set) var entries: [Entry] = []
  public private(set) var problems: [Problem] = []
  private var indices: [CellName: Int] = [:]

  public init() {}

  public init(parsing bytes: [UInt8]) {
    var current: Int?
    var number = 0
    for raw in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      let line = ConfigurationText.trimmed(raw)
      guard let first = line.first else { continue }
      do {
        switch first {
        case UInt8(ascii: ">"):
          // Servers below a bad cell line belong to no cell, and least of all to the one before.
          current = nil
          current = try add(cellLine: line.dropFirst())
        case UInt8(ascii: "#"):
          if let current, let name = Self.hostName(alone: line.dropFirst()) { entries[current].hostNames.append(name) }
        default:
          try add(serverLine: line, to: current)
        }
      } catch {
        problems.append(Problem(line: number, text: ConfigurationText.text(line), reason: error.reason))
      }
    }
  }

  /// nil when the file does not list the cell.
  public func entry(_ name: CellName) -> Entry? {
    indices[name].map { entries[$0] }
  }

  // MARK: Lines

  private struct Malformed: Error {
    var reason: String
  }

  /// The line without its `>`; the result is the entry's index.
  private mutating func add(cellLine: ArraySlice<UInt8>) throws(Malformed) -> Int {
    let (content, comment) = ConfigurationText.splitComment(cellLine)
    let words = ConfigurationText.words(content)
    guard let first = words.first else { throw Malformed(reason: "a cell without a name") }
    guard let name = CellName(ConfigurationText.text(first)) else { throw Malformed(reason: "not a cell name") }
    guard words.count <= 2 else { throw Malformed(reason: "more than a cell and its linked cell") }
    var linked: CellName?
    if words.count == 2 {
      linked = CellName(ConfigurationText.text(words[1]))
      guard linked != nil else { throw Malformed(reason: "not the name of a linked cell") }
    }
    if let known = indices[name] { return known }
    indices[name] = entries.count
    entries.append(
      Entry(name: name, linkedCell: linked, comment: ConfigurationText.text(comment), servers: [], hostNames: []))
    return entries.count - 1
  }

  private mutating func add(serverLine line: ArraySlice<UInt8>, to current: Int?) throws(Malformed) {
    guard let current else { throw Malformed(reason: "a server which belongs to no cell") }
    let (content, comment) = ConfigurationText.splitComment(line)
    var words = ConfigurationText.words(content)
    guard let word = words.popLast(), words.isEmpty else { throw Malformed(reason: "not an address and a #host name") }
    let isClone = word.first == UInt8(ascii: "[")
    guard !isClone || word.last == UInt8(ascii: "]") else { throw Malformed(reason: "] is missing") }
    guard let address = IPv4Text.address(isClone ? word.dropFirst().dropLast() : word) else {
      throw Malformed(reason: "not an IPv4 address")
    }
    let hostName = ConfigurationText.words(comment).first.map { ConfigurationText.text($0) }
    guard address != 0 else {
      guard let hostName else { throw Malformed(reason: "0.0.0.0 is no server") }
      entries[current].hostNames.append(hostName)
      return
    }
    guard !entries[current].servers.contains(where: { $0.address == address }) else { return }
    entries[current].servers.append(Server(address: address, hostName: hostName, isClone: isClone))
  }

  /// A comment that is nothing but a host name with a dot in it.
  private static func hostName(alone comment: ArraySlice<UInt8>) -> String? {
    let words = ConfigurationText.words(comment)
    guard words.count == 1, words[0].contains(UInt8(ascii: ".")), let name = CellName(ConfigurationText.text(words[0])),
      // An address in a comment is a server that somebody took out.
      IPv4Text.address(words[0]) == nil
    else { return nil }
    return name.text
  }
}
