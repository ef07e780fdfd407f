package import AFSBase
package import AFSRPC
import AFSTypes

extension FileStatus {
  /// Decodes a status that a fileserver sent.
  /// - Throws: `.corrupt` when it is none: a wrong interface version or file type. `errorCode` is the caller's matter.
  package init(_ wire: AFSFetchStatus) throws(AFSError) {
    guard wire.interfaceVersion == 1 else {
      throw .corrupt("file status with interface version \(wire.interfaceVersion)")
    }
    let kind: Kind
    switch wire.type {
    case .file: kind = .file
    case .directory: kind = .directory
    case .symbolicLink: kind = .symbolicLink
    default: throw .corrupt("file status with file type \(wire.fileType)")
    }
    self.init(
      kind: kind, linkCount: wire.linkCount, length: wire.length64, dataVersion: wire.version,
      author: wire.author, owner: wire.owner, group: wire.group,
      callerAccess: AccessRights(rawValue: wire.callerAccess),
      anonymousAccess: AccessRights(rawValue: wire.anonymousAccess),
      permissions: UInt16(truncatingIfNeeded: wire.unixModeBits & 0o7777),
      parentVnode: UInt64(wire.parentVnode), parentUnique: wire.parentUnique,
      clientModified: WallTime(seconds: Int64(wire.clientModTime)),
      serverModified: WallTime(seconds: Int64(wire.serverModTime)), lockCount: wire.lockCount)
  }

  /// A symbolic link of mode 0644 is a mount point (OpenAFS src/afs/VNOPS/afs_vnop_lookup.c tests for the missing
  /// execute bits, Linux fs/afs/inode.c for exactly this mode): its text need not be read to know.
  package var isMountPoint: Bool { kind == .symbolicLink && permissions & 0o777 == 0o644 }
}

extension AFSStoreStatus {
  /// A change for StoreStatus, CreateFile, MakeDir and Symlink; what is nil is not set.
  package init(permissions: UInt16? = nil, modified: WallTime? = nil, owner: UInt32? = nil, group: UInt32? = nil) {
    self.init(mask: 0)
    if let permissions {
      mask |= UInt32(RXAFSConstants.setMode)
      unixModeBits = UInt32(permissions & 0o7777)
    }
    if let modified {
      mask |= UInt32(RXAFSConstants.setModTime)
      // The protocol's seconds end in 2106 and begin in 1970.
      clientModTime = UInt32(clamping: modified.seconds)
    }
    if let owner {
      mask |= UInt32(RXAFSConstants.setOwner)
      self.owner = owner
    }
    if let group {
      mask |= UInt32(RXAFSConstants.setGroup)
      self.group = group
    }
  }
}
