public import AFSBase
public import AFSTypes

/// What a fileserver says of a vnode (AFSFetchStatus), decoded.
public struct FileStatus: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    case file
    case directory
    case symbolicLink
  }

  public var kind: Kind
  public var linkCount: UInt32
  /// Bytes.
  public var length: UInt64
  public var dataVersion: DataVersion
  public var author: UInt32
  public var owner: UInt32
  public var group: UInt32
  public var callerAccess: AccessRights
  public var anonymousAccess: AccessRights
  public var permissions: UInt16
  public var parentVnode: UInt64
  public var parentUnique: UInt32
  public var clientModified: WallTime
  public var serverModified: WallTime
  /// Readers of the file as a count, or -1 for a writer (RXAFS's lockCount).
  public var lockCount: Int32

  public init(
    kind: Kind, linkCount: UInt32, length: UInt64, dataVersion: DataVersion, author: UInt32, owner: UInt32,
    group: UInt32, callerAccess: AccessRights, anonymousAccess: AccessRights, permissions: UInt16,
    parentVnode: UInt64, parentUnique: UInt32, clientModified: WallTime, serverModified: WallTime, lockCount: Int32
  ) {
    self.kind = kind
    self.linkCount = linkCount
    self.length = length
    self.dataVersion = dataVersion
    self.author = author
    self.owner = owner
    self.group = group
    self.callerAccess = callerAccess
    self.anonymousAccess = anonymousAccess
    self.permissions = permissions
    self.parentVnode = parentVnode
    self.parentUnique = parentUnique
    self.clientModified = clientModified
    self.serverModified = serverModified
    self.lockCount = lockCount
  }
}
