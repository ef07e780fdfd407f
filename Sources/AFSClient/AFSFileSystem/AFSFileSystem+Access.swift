import AFSBase
public import AFSCredentials
import AFSTypes

/// Who may do what: the access list of the directory decides, and for files the owner's mode bits on top of it, for
/// every user (as in all AFS clients; OpenAFS src/viced/afsfileprocs.c, Check_PermissionRights).
extension AFSFileSystem {
  func checkFileAccess(
    _ vnode: Vnode, _ status: FileStatus, _ rights: AccessRights, reading: Bool, writing: Bool, executing: Bool,
    refusal: AFSError
  ) throws(AFSError) {
    let permissions = vnode.pendingPermissions ?? status.permissions
    if reading {
      guard rights.contains(.read) else { throw refusal }
      guard permissions & 0o500 != 0 else { throw .accessDenied }
    }
    if writing {
      guard rights.contains(.write) else { throw refusal }
      guard permissions & 0o200 != 0 else { throw .accessDenied }
    }
    if executing {
      guard rights.contains(.read) else { throw refusal }
      guard permissions & 0o111 != 0 else { throw .accessDenied }
    }
  }

  func checkDirectoryAccess(
    _ rights: AccessRights, reading: Bool, writing: Bool, executing: Bool, refusal: AFSError
  ) throws(AFSError) {
    if reading || executing {
      guard rights.contains(.lookup) else { throw refusal }
    }
    if writing {
      guard !rights.isDisjoint(with: [.insert, .delete]) else { throw refusal }
    }
  }

  public func cachedAccess(
    to node: any Node, reading: Bool, writing: Bool, executing: Bool, as identity: Identity
  ) -> Result<Void, AFSError>? {
    let node = own(node)
    if let answer = madeUpAccess(to: node, writing: writing) { return answer }
    guard let place = cachedPlace(of: node), let current = context.cachedStatus(of: place.vnode, as: identity)
    else { return nil }
    do {
      try check(place.vnode, current, reading, writing, executing, as: identity)
      return .success(())
    } catch {
      return .failure(error)
    }
  }

  public func checkAccess(
    to node: any Node, reading: Bool, writing: Bool, executing: Bool, as identity: Identity
  ) async throws(AFSError) {
    let node = own(node)
    if let answer = madeUpAccess(to: node, writing: writing) { return try answer.get() }
    let vnode = try await vnode(of: node, as: identity)
    let current = try await context.currentStatus(of: vnode, as: identity)
    try check(vnode, current, reading, writing, executing, as: identity)
  }

  /// Access to what no vnode stands behind; nil for everything else.
  private func madeUpAccess(to node: AFSNode, writing: Bool) -> Result<Void, AFSError>? {
    switch node.role {
    case .dynamicRoot: return writing ? .failure(.readOnly) : .success(())
    case .madeUpLink: return .success(())
    case .madeUpMountPoint(_, let mount), .mountPoint(_, let mount):
      // As long as nobody has gone through the mount point it looks open to all.
      return mount.target == nil && !writing ? .success(()) : nil
    case .vnode: return nil
    }
  }

  private func check(
    _ vnode: Vnode, _ current: ClientContext.CurrentStatus, _ reading: Bool, _ writing: Bool, _ executing: Bool,
    as identity: Identity
  ) throws(AFSError) {
    if writing, context.configuration.isReadOnly || vnode.volume.isReadOnly { throw .readOnly }
    let (status, rights) = (current.status, current.rights)
    let refusal = context.refusal(of: identity, in: vnode.volume.cell)
    switch status.kind {
    case .directory:
      try checkDirectoryAccess(
        rights, reading: reading, writing: writing, executing: executing, refusal: refusal)
    case .file:
      try checkFileAccess(
        vnode, status, rights, reading: reading, writing: writing, executing: executing, refusal: refusal)
    case .symbolicLink:
      guard rights.contains(.lookup) else { throw refusal }
    }
  }
}

extension Vnode {
  /// Permission bits which were set here and are yet to be stored with changed data.
  var pendingPermissions: UInt16? { withState { $0.contents?.localChange?.permissions } }
}
