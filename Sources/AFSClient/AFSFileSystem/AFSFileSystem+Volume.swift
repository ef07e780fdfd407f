import AFSBase
public import AFSCredentials
import AFSRPC
import AFSTypes

/// What belongs to volumes and access lists: `statfs` and extended attributes.
extension AFSFileSystem {
  public func statistics(of node: any Node, as identity: Identity) async throws(AFSError) -> VolumeStatistics {
    let node = own(node)
    switch node.role {
    case .dynamicRoot, .madeUpLink:
      return VolumeStatistics(blocks: 0, blocksFree: 0, blocksAvailable: 0, files: 0, filesFree: 0)
    case .vnode, .mountPoint, .madeUpMountPoint: break
    }
    let volume = try await vnode(of: node, as: identity).volume
    return Self.statistics(try await context.volumeStatus(of: volume, as: identity).status.figures)
  }

  /// What `df` shows: the smaller of what the quota and what the partition leave. Without a quota the partition is
  /// the bound.
  static func statistics(_ figures: VolumeFigures) -> VolumeStatistics {
    let (blocks, free): (UInt64, UInt64)
    if figures.quota > 0 {
      let left = figures.quota > figures.used ? figures.quota - figures.used : 0
      (blocks, free) = (figures.quota, min(left, figures.partitionAvailable))
    } else {
      (blocks, free) = (figures.partitionSize, figures.partitionAvailable)
    }
    // A file takes at least one block.
    return VolumeStatistics(
      blocks: blocks, blocksFree: free, blocksAvailable: free, files: blocks, filesFree: free,
      nameLengthMax: UInt32(RXAFSLimits.nameLengthMax))
  }

  private enum AttributeName {
    static let cell = "afs.cell"
    static let fid = "afs.fid"
    static let volume = "afs.volume"
    static let acl = "afs.acl"
  }

  public func extendedAttributeNames(of node: any Node) -> [String] {
    switch own(node).role {
    case .dynamicRoot, .madeUpLink: []
    case .vnode, .mountPoint, .madeUpMountPoint:
      [AttributeName.acl, AttributeName.cell, AttributeName.fid, AttributeName.volume]
    }
  }

  public func extendedAttribute(
    _ name: String, of node: any Node, as identity: Identity
  ) async throws(AFSError) -> [UInt8] {
    let node = own(node)
    guard extendedAttributeNames(of: node).contains(name) else { throw .noAttribute }
    let vnode = try await vnode(of: node, as: identity)
    switch name {
    case AttributeName.cell: return Array(vnode.volume.cell.name.text.utf8)
    case AttributeName.volume: return Array(vnode.volume.name.utf8)
    case AttributeName.fid:
      // The form that Linux's kAFS shows (fs/afs/xattr.c).
      let parts = [vnode.fid.volume.rawValue, vnode.fid.vnode, UInt64(vnode.fid.unique)]
      return Array(parts.map { String($0, radix: 16) }.joined(separator: ":").utf8)
    case AttributeName.acl: return try await context.accessList(of: vnode, as: identity)
    default: throw .noAttribute
    }
  }

  public func setExtendedAttribute(
    _ name: String, of node: any Node, to value: [UInt8], as identity: Identity
  ) async throws(AFSError) {
    let node = own(node)
    guard extendedAttributeNames(of: node).contains(name) else { throw .notSupported }
    guard name == AttributeName.acl else { throw .notPermitted }
    let vnode = try await vnode(of: node, as: identity)
    if context.configuration.isReadOnly || vnode.volume.isReadOnly { throw .readOnly }
    try await context.storeAccessList(value, of: vnode, as: identity)
  }
}
