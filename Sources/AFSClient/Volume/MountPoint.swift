package import AFSTypes

/// What the text of a mount point says: `#volume.` or `%volume.`, each with `cell:` before the volume if it lies in
/// another cell (OpenAFS src/afs/afs_vnodeops / `fs mkmount`; the last character, a dot as a rule, has no meaning).
package struct MountPoint: Hashable, Sendable {
  /// nil for the cell of the mount point itself.
  package var cell: CellName?
  /// A name, with `.readonly` or `.backup` if the mount point asks for that copy, or a number.
  package var volume: String
  /// `%`: the read-write volume, wherever the mount point lies.
  package var isReadWrite: Bool

  /// Bytes. Volume names have 22 characters, and 9 more with `.readonly` (OpenAFS src/vol/voldefs.h, VNAMESIZE is 32);
  /// location servers let 64 through (src/vlserver/vldbint.xg, VL_MAXNAMELEN is 65 with the NUL).
  package static let volumeLengthMax = 64

  package init(cell: CellName? = nil, volume: String, isReadWrite: Bool) {
    self.cell = cell
    self.volume = volume
    self.isReadWrite = isReadWrite
  }

  /// nil when the text is no mount point's, or names no possible cell or volume.
  package init?(_ text: [UInt8]) {
    guard let first = text.first, first == UInt8(ascii: "#") || first == UInt8(ascii: "%") else { return nil }
    isReadWrite = first == UInt8(ascii: "%")
    var rest = text.dropFirst()
    if rest.last == UInt8(ascii: ".") { rest = rest.dropLast() }
    if let colon = rest.firstIndex(of: UInt8(ascii: ":")) {
      guard let name = CellName(String(decoding: rest[..<colon], as: UTF8.self)) else { return nil }
      cell = name
      rest = rest[(colon + 1)...]
    }
    guard Self.isVolumeName(rest) else { return nil }
    volume = String(decoding: rest, as: UTF8.self)
  }

  /// The text which stands for it in a directory.
  package var text: [UInt8] {
    let prefix = isReadWrite ? "%" : "#"
    let place = cell.map { $0.text + ":" } ?? ""
    return Array((prefix + place + volume + ".").utf8)
  }

  /// Printable ASCII without the separators of mount points and paths: more than `vos create` allows, but nothing that
  /// could confuse a log or a path.
  static func isVolumeName(_ bytes: some Collection<UInt8>) -> Bool {
    (1...volumeLengthMax).contains(bytes.count)
      && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "/") }
  }
}
