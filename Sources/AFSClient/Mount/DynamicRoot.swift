package import AFSTypes

/// The directory which the client makes up: one entry for every cell, `CELL` and `.CELL` (the path through read-write
/// volumes), and `@cell`. Cells that the configuration does not list appear when they are touched.
package enum DynamicRoot {
  /// Cell 0 holds what the client makes up.
  package static let rootKey = FileKey(cell: 0, fid: FID(volume: VolumeID(0), vnode: 1, unique: 1))

  /// What a name in the dynamic root means.
  package enum Meaning: Hashable, Sendable {
    case cell(CellName, isReadWrite: Bool)
    /// `@cell`: a symbolic link to the local cell.
    case localCell
  }

  package static func meaning(of name: [UInt8]) -> Meaning? {
    if name == Array("@cell".utf8) { return .localCell }
    let isReadWrite = name.first == UInt8(ascii: ".")
    let text = isReadWrite ? name.dropFirst() : name[...]
    guard let cell = CellName(String(decoding: text, as: UTF8.self)) else { return nil }
    return .cell(cell, isReadWrite: isReadWrite)
  }

  /// The key of a name: the same after a restart. Vnode numbers are odd, as directories have them.
  package static func key(of name: String) -> FileKey {
    let hash = FileIDHash(cell: "").fileID(
      of: FID(volume: VolumeID(0), vnode: FileIDHash(cell: name).fileID(of: rootKey.fid), unique: 0))
    return FileKey(cell: 0, fid: FID(volume: VolumeID(0), vnode: hash | 1, unique: 2))
  }

  /// Inode numbers of made up names.
  package static func fileID(of key: FileKey) -> UInt64 {
    FileIDHash(cell: "").fileID(of: key.fid)
  }

  /// The volume at the top of every cell (AFS convention; OpenAFS src/afs/afs_dynroot.c).
  package static let topVolume = "root.cell"
}
