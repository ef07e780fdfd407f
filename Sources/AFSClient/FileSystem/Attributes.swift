public import AFSBase
public import AFSTypes

/// What `stat` shows of a node.
public struct Attributes: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    case file
    case directory
    case symbolicLink
  }

  /// The inode number: 64 bits, unique over cells, volumes, vnodes and uniquifiers; the same after a restart.
  public var fileID: UInt64
  public var kind: Kind
  /// The twelve permission bits.
  public var permissions: UInt16
  public var linkCount: UInt32
  public var uid: UInt32
  public var gid: UInt32
  /// Bytes.
  public var size: UInt64
  public var modified: WallTime
  public var statusChanged: WallTime
  public var dataVersion: DataVersion

  public init(
    fileID: UInt64, kind: Kind, permissions: UInt16, linkCount: UInt32, uid: UInt32, gid: UInt32, size: UInt64,
    modified: WallTime, statusChanged: WallTime, dataVersion: DataVersion
  ) {
    self.fileID = fileID
    self.kind = kind
    self.permissions = permissions
    self.linkCount = linkCount
    self.uid = uid
    self.gid = gid
    self.size = size
    self.modified = modified
    self.statusChanged = statusChanged
    self.dataVersion = dataVersion
  }
}

/// A change of attributes; nil leaves one as it is.
public struct AttributeChange: Hashable, Sendable {
  public var permissions: UInt16?
  public var uid: UInt32?
  public var gid: UInt32?
  /// Truncates or extends.
  public var size: UInt64?
  public var modified: WallTime?

  public init(
    permissions: UInt16? = nil, uid: UInt32? = nil, gid: UInt32? = nil, size: UInt64? = nil, modified: WallTime? = nil
  ) {
    self.permissions = permissions
    self.uid = uid
    self.gid = gid
    self.size = size
    self.modified = modified
  }
}

/// What `statfs` shows of a volume. Blocks are 1 KiB.
public struct VolumeStatistics: Hashable, Sendable {
  public var blocks: UInt64
  public var blocksFree: UInt64
  public var blocksAvailable: UInt64
  /// Files are bounded by blocks in AFS; these are estimates for tools that divide by them.
  public var files: UInt64
  public var filesFree: UInt64
  public var nameLengthMax: UInt32

  public init(
    blocks: UInt64, blocksFree: UInt64, blocksAvailable: UInt64, files: UInt64, filesFree: UInt64,
    nameLengthMax: UInt32 = 255
  ) {
    self.blocks = blocks
    self.blocksFree = blocksFree
    self.blocksAvailable = blocksAvailable
    self.files = files
    self.filesFree = filesFree
    self.nameLengthMax = nameLengthMax
  }
}
