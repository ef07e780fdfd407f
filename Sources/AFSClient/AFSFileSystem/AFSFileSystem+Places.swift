import AFSBase
import AFSCredentials
import AFSTypes

/// A directory to work in: the vnode behind a node, and the mount that its names lie in.
package struct Place: Sendable {
  package var vnode: Vnode
  package var mount: Mount
}

extension AFSFileSystem {
  /// The place behind a directory's node, if no question has to be asked.
  func cachedPlace(of node: AFSNode) -> Place? {
    switch node.role {
    case .vnode(let vnode): Place(vnode: vnode, mount: node.mount)
    case .mountPoint(_, let mount), .madeUpMountPoint(_, let mount):
      mount.target.map { Place(vnode: $0.root, mount: mount) }
    case .dynamicRoot, .madeUpLink: nil
    }
  }

  /// The place behind a directory's node: looks the volume up when a mount point is touched for the first time.
  func place(of node: AFSNode, as identity: Identity) async throws(AFSError) -> Place {
    if let place = cachedPlace(of: node) { return place }
    switch node.role {
    case .vnode(let vnode): return Place(vnode: vnode, mount: node.mount)
    case .mountPoint(let vnode, let mount):
      try await context.resolve(mount, at: vnode, in: node.mount, as: identity)
      if let place = cachedPlace(of: node) { return place }
      throw .noSuchVolume
    case .madeUpMountPoint(let target, let mount):
      try await context.resolve(mount, to: target, as: identity)
      if let place = cachedPlace(of: node) { return place }
      throw .noSuchVolume
    case .dynamicRoot: throw .readOnly
    case .madeUpLink: throw .notDirectory
    }
  }

  /// The vnode that an operation on a node itself means: behind a mount point the root directory of its volume.
  func vnode(of node: AFSNode, as identity: Identity) async throws(AFSError) -> Vnode {
    try await place(of: node, as: identity).vnode
  }

  /// A place in which something shall be changed.
  func writablePlace(of node: AFSNode, as identity: Identity) async throws(AFSError) -> Place {
    if context.configuration.isReadOnly { throw .readOnly }
    let place = try await place(of: node, as: identity)
    if place.vnode.volume.isReadOnly { throw .readOnly }
    return place
  }

  func checkName(_ name: [UInt8]) throws(AFSError) {
    if name.count > RXAFSLimits.nameLengthMax { throw .nameTooLong }
    if name.isEmpty || name.contains(0) || name.contains(UInt8(ascii: "/")) { throw .invalidName }
  }

  // MARK: Nodes

  /// The node of a vnode found in `place`.
  func node(of vnode: Vnode, status: FileStatus, in place: Place) -> AFSNode {
    guard status.isMountPoint else { return AFSNode(vnode, in: place.mount) }
    let mount = context.mounts.mount(at: vnode.key, in: place.mount)
    return AFSNode(file: vnode.key, mount: place.mount, role: .mountPoint(vnode, mount))
  }

  /// What the kernel may keep of a vnode found in `place`.
  func entry(
    for vnode: Vnode, _ current: ClientContext.CurrentStatus, in place: Place, entryValidity: Duration
  ) -> NodeEntry {
    let node = node(of: vnode, status: current.status, in: place)
    let attributes = attributes(of: node, vnode, current)
    return NodeEntry(
      node: node, attributes: attributes.attributes, entryValidity: entryValidity,
      attributeValidity: attributes.validity)
  }
}
