import AFSBase
public import AFSCredentials
import AFSRPC
import AFSTypes
import RxCore

extension AFSFileSystem {
  public func setAttributes(
    of node: any Node, _ change: AttributeChange, file: (any OpenFile)?, as identity: Identity
  ) async throws(AFSError) -> NodeAttributes {
    let node = own(node)
    switch node.role {
    case .dynamicRoot, .madeUpLink: throw .readOnly
    case .vnode, .mountPoint, .madeUpMountPoint: break
    }
    let vnode = try await vnode(of: node, as: identity)
    if context.configuration.isReadOnly || vnode.volume.isReadOnly { throw .readOnly }
    let current = try await context.currentStatus(of: vnode, as: identity)
    let status = current.status
    if let size = change.size {
      try await setSize(of: vnode, current, to: size, file: file, as: identity)
    }
    var wanted = storeStatus(for: change, of: status, vnode.pendingPermissions)
    if wanted.mask != 0 {
      try checkStatusChange(wanted, vnode, status, as: identity)
      if let contents = vnode.withState({ $0.contents }) { carry(&wanted, change, with: contents) }
    }
    if wanted.mask != 0 { try await storeNow(wanted, of: vnode, as: identity) }
    return try await attributes(of: node, as: identity)
  }

  /// What is written here and not stored yet takes time and permissions along: they cost no call of their own.
  /// Special permission bits are for administrators: who sets them shall hear at once whether he may.
  private func carry(_ wanted: inout AFSStoreStatus, _ change: AttributeChange, with contents: FileContents) {
    let time = UInt32(RXAFSConstants.setModTime)
    let permissions = UInt32(RXAFSConstants.setMode)
    let ordinary = wanted.unixModeBits & 0o7000 == 0
    if wanted.mask & permissions != 0, ordinary, contents.setPermissions(UInt16(wanted.unixModeBits & 0o777)) {
      wanted.mask &= ~permissions
    }
    if let modified = change.modified, contents.setModified(modified) {
      wanted.mask &= ~time
    }
  }

  private func storeNow(_ wanted: AFSStoreStatus, of vnode: Vnode, as identity: Identity) async throws(AFSError) {
    _ = try await context.storeStatus(wanted, of: vnode, as: identity)
    if wanted.mask & UInt32(RXAFSConstants.setMode) != 0 {
      vnode.withState { $0.contents }?.permissionsStored()
    }
  }

  /// Refuses here what the server would refuse (OpenAFS src/viced/afsfileprocs.c, Check_PermissionRights): owner and
  /// group are for administrators, who have tokens; the rest needs a right in the directory.
  private func checkStatusChange(
    _ wanted: AFSStoreStatus, _ vnode: Vnode, _ status: FileStatus, as identity: Identity
  ) throws(AFSError) {
    let security = context.security(for: identity, in: vnode.volume.cell)
    let ownership = UInt32(RXAFSConstants.setOwner | RXAFSConstants.setGroup)
    if security == .none, wanted.mask & ownership != 0 { throw .notPermitted }
    guard let rights = vnode.rights(for: security) else { return }
    let sufficient: AccessRights = status.kind == .directory ? [.insert, .delete] : [.write, .insert]
    guard !rights.isDisjoint(with: sufficient) else {
      throw context.refusal(of: identity, in: vnode.volume.cell)
    }
  }

  private func setSize(
    of vnode: Vnode, _ current: ClientContext.CurrentStatus, to size: UInt64, file: (any OpenFile)?,
    as identity: Identity
  ) async throws(AFSError) {
    switch current.status.kind {
    case .directory: throw .isDirectory
    case .symbolicLink: throw .invalidArgument
    case .file: break
    }
    if size > UInt64(Int64.max) { throw .fileTooLarge }
    if file == nil {
      let cell = vnode.volume.cell
      if let obstacle = context.knownSecurity(for: identity, in: cell)?.obstacle(toStore: false) { throw obstacle }
      try checkFileAccess(
        vnode, current.status, current.rights, reading: false, writing: true, executing: false,
        refusal: context.refusal(of: identity, in: cell))
    }
    try await contents(of: vnode, current.status).truncate(to: size, as: identity)
  }

  /// What StoreStatus must set. Changes that change nothing are left out: tools which copy files set owners that are
  /// there already, and the server would refuse even that to a user who is not an administrator when it is not.
  private func storeStatus(
    for change: AttributeChange, of status: FileStatus, _ pendingPermissions: UInt16?
  ) -> AFSStoreStatus {
    var owner: UInt32?
    var group: UInt32?
    if let uid = change.uid, uid != .max, uid != shownOwner(status.owner), uid != status.owner { owner = uid }
    if let gid = change.gid, gid != .max, gid != shownGroup(of: status), gid != status.group { group = gid }
    let permissions = change.permissions.map { $0 & 0o7777 }
    let isSamePermissions = permissions == nil || permissions == pendingPermissions ?? status.permissions
    return AFSStoreStatus(
      permissions: isSamePermissions ? nil : permissions, modified: change.modified, owner: owner, group: group)
  }
}
