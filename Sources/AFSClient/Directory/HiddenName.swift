package import AFSTypes

/// A name that a file got when it was removed while open, as the record that outlives the daemon has it: cells by name,
/// since their numbers are of one process.
package struct HiddenName: Hashable, Sendable {
  package var cell: CellName
  package var directory: FID
  package var file: FID
  /// Of the form `.__afsXXXX`.
  package var name: [UInt8]
  /// Whose token removes it.
  package var uid: UInt32

  package init(cell: CellName, directory: FID, file: FID, name: [UInt8], uid: UInt32) {
    self.cell = cell
    self.directory = directory
    self.file = file
    self.name = name
    self.uid = uid
  }

  /// How such names begin: `.__afs` and hexadecimal digits, the form that OpenAFS's tools and clean-up scripts know.
  static let prefix = Array(".__afs".utf8)

  /// The words of a line: cell, directory, file, user id, name.
  package var line: String {
    let fids = [directory, file].map { "\($0.volume.rawValue) \($0.vnode) \($0.unique)" }
    return "\(cell.text) \(fids[0]) \(fids[1]) \(uid) \(String(decoding: name, as: UTF8.self))"
  }

  /// - Returns: nil for what this program has not written, a line which was cut off among it.
  package init?(line: Substring) {
    let words = line.split(separator: " ", maxSplits: 9, omittingEmptySubsequences: false).map(String.init)
    guard words.count == 9, let cell = CellName(words[0]), let directory = Self.fid(words[1...3]),
      let file = Self.fid(words[4...6]), let uid = UInt32(words[7])
    else { return nil }
    let name = Array(words[8].utf8)
    let isHexadecimal = name.dropFirst(Self.prefix.count).allSatisfy { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte)
    }
    guard name.starts(with: Self.prefix), name.count > Self.prefix.count, isHexadecimal else { return nil }
    self.init(cell: cell, directory: directory, file: file, name: name, uid: uid)
  }

  private static func fid(_ words: ArraySlice<String>) -> FID? {
    let words = Array(words)
    guard let volume = UInt64(words[0]), let vnode = UInt64(words[1]), let unique = UInt32(words[2]) else { return nil }
    return FID(volume: VolumeID(volume), vnode: vnode, unique: unique)
  }
}
