package import AFSTypes

/// The name of a cached vnode: a cell, as the client numbers them, and the file in it.
///
/// The numbers hold for one run of the daemon, and so does the cache today. An index which survives the daemon
/// must keep the cells' names beside them.
package struct CacheKey: Hashable, Sendable {
  package var cell: UInt32
  package var fid: FID

  package init(cell: UInt32, fid: FID) {
    self.cell = cell
    self.fid = fid
  }

  /// `CELL.VOLUME.VNODE.UNIQUE` in hexadecimal digits.
  var fileName: String {
    [UInt64(cell), fid.volume.rawValue, fid.vnode, UInt64(fid.unique)].map { String($0, radix: 16) }
      .joined(separator: ".")
  }

  /// Which of the 256 folders holds the file: neighbours of a volume are spread by their vnode numbers.
  var folderName: String {
    let mixed = (fid.vnode &* 0x9E37_79B9_7F4A_7C15 ^ fid.volume.rawValue &* 0xBF58_476D_1CE4_E5B9) >> 56
    let text = String(mixed, radix: 16)
    return text.utf8.count == 1 ? "0" + text : text
  }
}

/// What is known of a cached vnode's bytes while nobody uses them: the row of a later persistent index.
package struct CacheRecord: Hashable, Sendable {
  /// The data version of the valid ranges.
  package var dataVersion: DataVersion
  /// The file's length at that version, bytes.
  package var length: UInt64
  /// The ranges whose bytes are in the cache file.
  package var valid: RangeSet

  package init(dataVersion: DataVersion, length: UInt64, valid: RangeSet) {
    self.dataVersion = dataVersion
    self.length = length
    self.valid = valid
  }
}
