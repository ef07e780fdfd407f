import AFSBase
import AFSClient
import AFSTypes

/// A vnode of a mock volume.
struct StoredVnode: Sendable {
  enum Contents: Sendable {
    case file(FilePages)
    case directory(StoredDirectory)
    case symbolicLink([UInt8])
  }

  var contents: Contents
  var unique: UInt32
  var dataVersion = DataVersion(1)
  var linkCount: UInt32
  var permissions: UInt16
  var owner: UInt32 = 0
  var group: UInt32 = 0
  var author: UInt32 = 0
  var clientModified: WallTime
  var serverModified: WallTime
  var parentVnode: UInt64
  var parentUnique: UInt32
  /// Readers, or -1 for a writer.
  var lockCount: Int32 = 0
  /// When a lock that nobody extends is void.
  var lockEnd = MonotonicTime.zero

  var kind: FileStatus.Kind {
    switch contents {
    case .file: .file
    case .directory: .directory
    case .symbolicLink: .symbolicLink
    }
  }

  var length: UInt64 {
    switch contents {
    case .file(let pages): pages.length
    case .directory(let directory): UInt64(directory.byteCount)
    case .symbolicLink(let target): UInt64(target.count)
    }
  }

  /// Whole KiB, at least one, as volumes count their use.
  var blocks: UInt64 { max(1, (length + 1023) / 1024) }

  /// The bytes which FetchData gives.
  func data(at offset: UInt64, count: UInt64) -> [UInt8] {
    switch contents {
    case .file(let pages): return pages.read(at: offset, count: count)
    case .directory(let directory): return Self.slice(directory.bytes, offset, count)
    case .symbolicLink(let target): return Self.slice(target, offset, count)
    }
  }

  private static func slice(_ bytes: [UInt8], _ offset: UInt64, _ count: UInt64) -> [UInt8] {
    guard offset < UInt64(bytes.count) else { return [] }
    return Array(bytes[Int(offset)...].prefix(Int(clamping: count)))
  }
}
