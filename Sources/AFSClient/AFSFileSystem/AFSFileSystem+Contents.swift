import AFSBase
public import AFSCredentials
import AFSTypes

extension AFSFileSystem {
  /// The contents of a file, made when this is the first use, up to the newest status.
  func contents(of vnode: Vnode, _ status: FileStatus) -> FileContents {
    let (contents, newest) = vnode.withState { state in
      (state.contents { FileContents(file: vnode.key, context: files) }, state.status ?? status)
    }
    contents.learned(newest)
    return contents
  }

  public func cachedOpen(
    _ node: any Node, access: OpenAccess, as identity: Identity
  ) -> Result<any OpenFile, AFSError>? {
    let node = own(node)
    guard case .vnode(let vnode) = node.role else { return .failure(.isDirectory) }
    guard let current = context.cachedStatus(of: vnode, as: identity) else { return nil }
    do {
      try checkOpen(vnode, current, access, as: identity)
    } catch {
      return .failure(error)
    }
    return .success(opened(node, vnode, current.status, access: access, as: identity))
  }

  public func open(
    _ node: any Node, access: OpenAccess, as identity: Identity
  ) async throws(AFSError) -> any OpenFile {
    let node = own(node)
    guard case .vnode(let vnode) = node.role else { throw .isDirectory }
    try checkOpen(vnode, try await context.currentStatus(of: vnode, as: identity), access, as: identity)
    return try await openChecked(node, vnode, access: access, as: identity)
  }

  private func checkOpen(
    _ vnode: Vnode, _ current: ClientContext.CurrentStatus, _ access: OpenAccess, as identity: Identity
  ) throws(AFSError) {
    switch current.status.kind {
    case .directory: throw .isDirectory
    case .symbolicLink: throw .tooManySymbolicLinks
    case .file: break
    }
    let writes = access.writes || access.truncates
    if writes, context.configuration.isReadOnly || vnode.volume.isReadOnly { throw .readOnly }
    let security = context.knownSecurity(for: identity, in: vnode.volume.cell)
    if writes, let obstacle = security?.obstacle(toStore: false) { throw obstacle }
    try checkFileAccess(
      vnode, current.status, current.rights, reading: access.reads, writing: writes, executing: false,
      refusal: context.refusal(of: identity, in: vnode.volume.cell))
  }

  /// Opens a file of which the rights are known to suffice.
  func openChecked(
    _ node: AFSNode, _ vnode: Vnode, access: OpenAccess, as identity: Identity
  ) async throws(AFSError) -> any OpenFile {
    let status = try await context.currentStatus(of: vnode, as: identity).status
    return opened(node, vnode, status, access: access, as: identity)
  }

  private func opened(
    _ node: AFSNode, _ vnode: Vnode, _ status: FileStatus, access: OpenAccess, as identity: Identity
  ) -> any OpenFile {
    let contents = contents(of: vnode, status)
    vnode.withState { $0.openCount += 1 }
    var access = access
    // Cutting what is empty would cost a store.
    if contents.size == 0 { access.truncates = false }
    let inner = contents.open(node: node, access: access, identity: identity)
    return AFSOpenFile(inner, node: node, vnode: vnode, identity: identity, fileSystem: self)
  }

  public func cachedOpenDirectory(_ node: any Node, as identity: Identity) -> Result<any OpenDirectory, AFSError>? {
    let node = own(node)
    if case .dynamicRoot = node.role { return .success(DynamicRootDirectory(fileSystem: self)) }
    guard let place = cachedPlace(of: node), let current = context.cachedDirectory(of: place.vnode, as: identity)
    else { return nil }
    guard current.rights.contains(.lookup) else { return .failure(refusal(in: place, as: identity)) }
    return .success(AFSOpenDirectory(fileSystem: self, node: node, place: place, current, as: identity))
  }

  public func openDirectory(
    _ node: any Node, as identity: Identity
  ) async throws(AFSError) -> any OpenDirectory {
    let node = own(node)
    if case .dynamicRoot = node.role { return DynamicRootDirectory(fileSystem: self) }
    let place = try await place(of: node, as: identity)
    let current = try await context.currentDirectory(of: place.vnode, as: identity)
    guard current.rights.contains(.lookup) else { throw refusal(in: place, as: identity) }
    return AFSOpenDirectory(fileSystem: self, node: node, place: place, current, as: identity)
  }
}
