package import AFSTypes

/// The values which the wire form spreads over two words.
extension AFSFetchStatus {
  /// The file's length in bytes.
  package var length64: UInt64 {
    get { UInt64(lengthHigh) << 32 | UInt64(length) }
    set {
      length = UInt32(truncatingIfNeeded: newValue)
      lengthHigh = UInt32(truncatingIfNeeded: newValue >> 32)
    }
  }

  package var version: DataVersion {
    get { DataVersion(UInt64(dataVersionHigh) << 32 | UInt64(dataVersion)) }
    set {
      dataVersion = UInt32(truncatingIfNeeded: newValue.rawValue)
      dataVersionHigh = UInt32(truncatingIfNeeded: newValue.rawValue >> 32)
    }
  }

  package var type: AFSFileType {
    get { AFSFileType(rawValue: fileType) }
    set { fileType = newValue.rawValue }
  }

  /// Why an entry of InlineBulkStatus has no status; nil if it has.
  package var error: AbortCode? {
    errorCode == 0 ? nil : AbortCode(errorCode)
  }

  /// The FID of the directory that holds the file (of a directory: of its parent), in the volume of `fid`.
  package func parent(of fid: FID) -> FID {
    FID(volume: fid.volume, vnode: UInt64(parentVnode), unique: parentUnique)
  }
}
