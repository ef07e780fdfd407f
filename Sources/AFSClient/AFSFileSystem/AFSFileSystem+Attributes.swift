import AFSBase
public import AFSCredentials
import AFSRPC
import AFSTypes

extension AFSFileSystem {
  /// Taken off what a promise still has to run before the kernel is told: the answer takes time to reach it.
  private static let validityMargin = Duration.seconds(2)
  /// The user of files that belong to nobody in particular (OpenAFS src/ptserver/ptserver.h, ANONYMOUSID).
  private static let anonymousUser: UInt32 = 32_766

  // MARK: How long the kernel may remember

  /// A private mount remembers as long as the promise holds; a shared one only what every user may look up.
  func validity(_ remaining: Duration?, of status: FileStatus) -> Duration {
    guard let remaining, remaining > Self.validityMargin else { return .zero }
    if context.configuration.isShared, !status.anonymousAccess.contains(.lookup) { return .zero }
    return remaining - Self.validityMargin
  }

  // MARK: Attributes

  /// The attributes of `node`, which shows `vnode`.
  func attributes(of node: AFSNode, _ vnode: Vnode, _ current: ClientContext.CurrentStatus) -> NodeAttributes {
    switch node.role {
    case .vnode:
      return attributes(of: vnode, current, fileID: vnode.fileID)
    case .mountPoint(let point, let mount):
      guard let target = mount.target else {
        return NodeAttributes(
          attributes: madeUpAttributes(
            fileID: point.fileID, kind: .directory, permissions: 0o755, modified: current.status.clientModified),
          validity: validity(current.remaining, of: current.status))
      }
      return mountedAttributes(of: target.root, fileID: point.fileID, unless: current.status.clientModified)
    case .madeUpMountPoint, .dynamicRoot, .madeUpLink:
      return madeUpNodeAttributes(node)
    }
  }

  static let madeUpValidity = Duration.seconds(3600)

  func madeUpLinkAttributes(of key: FileKey, _ text: [UInt8]) -> NodeAttributes {
    var attributes = madeUpAttributes(
      fileID: DynamicRoot.fileID(of: key), kind: .symbolicLink, permissions: 0o777, modified: WallTime(seconds: 0))
    attributes.size = UInt64(text.count)
    return NodeAttributes(attributes: attributes, validity: Self.madeUpValidity)
  }

  /// A volume's root directory under its mount point's inode number: what is known of it, whether a promise stands
  /// behind it or not.
  func mountedAttributes(of root: Vnode, fileID: UInt64, unless modified: WallTime) -> NodeAttributes {
    let trusted = root.trustedStatus(now: context.now)
    if let status = trusted?.status ?? root.lastStatus {
      return attributes(of: root, .init(status: status, remaining: trusted?.remaining, rights: []), fileID: fileID)
    }
    return NodeAttributes(
      attributes: madeUpAttributes(fileID: fileID, kind: .directory, permissions: 0o755, modified: modified),
      validity: .zero)
  }

  private func madeUpAttributes(
    fileID: UInt64, kind: Attributes.Kind, permissions: UInt16, modified: WallTime
  ) -> Attributes {
    Attributes(
      fileID: fileID, kind: kind, permissions: permissions, linkCount: kind == .directory ? 2 : 1,
      uid: context.configuration.ownerUID, gid: context.configuration.ownerGID,
      size: kind == .directory ? 2048 : 0, modified: modified, statusChanged: modified,
      dataVersion: DataVersion(0))
  }

  private func attributes(
    of vnode: Vnode, _ current: ClientContext.CurrentStatus, fileID: UInt64
  ) -> NodeAttributes {
    let status = current.status
    var attributes = Attributes(
      fileID: fileID, kind: Attributes.Kind(status.kind),
      // A link's permissions mean nothing; Linux shows all of them everywhere, and rsync compares.
      permissions: status.kind == .symbolicLink ? 0o777 : status.permissions,
      linkCount: max(1, status.linkCount), uid: shownOwner(status.owner),
      gid: shownGroup(of: status),
      size: status.length, modified: status.clientModified, statusChanged: status.serverModified,
      dataVersion: status.dataVersion)
    var validity = validity(current.remaining, of: status)
    if let change = vnode.withState({ $0.contents?.localChange }) {
      attributes.size = change.size
      if let permissions = change.permissions { attributes.permissions = permissions }
      attributes.modified = change.modified
      attributes.statusChanged = max(change.modified, status.serverModified)
      validity = .zero
    }
    return NodeAttributes(attributes: attributes, validity: validity)
  }

  func shownOwner(_ owner: UInt32) -> UInt32 {
    owner == Self.anonymousUser ? context.configuration.ownerUID : owner
  }

  /// The server gives group 0 to what it makes, and members of no group can change it: it goes with the owner.
  func shownGroup(of status: FileStatus) -> UInt32 {
    status.owner == Self.anonymousUser && status.group == 0 ? context.configuration.ownerGID : status.group
  }

  // MARK: FileSystem

  public func cachedAttributes(of node: any Node, as identity: Identity) -> Result<NodeAttributes, AFSError>? {
    let node = own(node)
    switch node.role {
    case .dynamicRoot, .madeUpLink:
      return .success(madeUpNodeAttributes(node))
    case .madeUpMountPoint(_, let mount):
      guard let target = mount.target else { return .success(madeUpNodeAttributes(node)) }
      guard let current = context.cachedStatus(of: target.root, as: identity) else { return nil }
      return .success(attributes(of: target.root, current, fileID: DynamicRoot.fileID(of: node.key.file)))
    case .vnode(let vnode):
      guard let current = context.cachedStatus(of: vnode, as: identity) else { return nil }
      return .success(attributes(of: vnode, current, fileID: vnode.fileID))
    case .mountPoint(let point, let mount):
      guard let current = context.cachedStatus(of: mount.target?.root ?? point, as: identity) else { return nil }
      if let target = mount.target {
        return .success(attributes(of: target.root, current, fileID: point.fileID))
      }
      return .success(attributes(of: node, point, current))
    }
  }

  public func attributes(of node: any Node, as identity: Identity) async throws(AFSError) -> NodeAttributes {
    let node = own(node)
    switch node.role {
    case .dynamicRoot, .madeUpLink: return madeUpNodeAttributes(node)
    case .madeUpMountPoint(_, let mount):
      // The root of the mount must show the volume's own attributes; entries of the dynamic root contact nobody.
      let isRoot = node === rootNode
      if isRoot { _ = try await place(of: node, as: identity) }
      guard let target = mount.target else { return madeUpNodeAttributes(node) }
      let current = try await context.currentStatus(of: target.root, as: identity)
      return attributes(of: target.root, current, fileID: DynamicRoot.fileID(of: node.key.file))
    case .vnode(let vnode):
      let current = try await context.currentStatus(of: vnode, as: identity)
      return attributes(of: vnode, current, fileID: vnode.fileID)
    case .mountPoint(let point, let mount):
      guard let target = mount.target else {
        return attributes(of: node, point, try await context.currentStatus(of: point, as: identity))
      }
      let current = try await context.currentStatus(of: target.root, as: identity)
      return attributes(of: target.root, current, fileID: point.fileID)
    }
  }

  /// Attributes that need no vnode.
  func madeUpNodeAttributes(_ node: AFSNode) -> NodeAttributes {
    if case .madeUpLink(let text) = node.role { return madeUpLinkAttributes(of: node.key.file, text) }
    let fileID = DynamicRoot.fileID(of: node.key.file)
    return NodeAttributes(
      attributes: madeUpAttributes(
        fileID: fileID, kind: .directory, permissions: 0o755, modified: WallTime(seconds: 0)),
      validity: Self.madeUpValidity)
  }

  public func readSymbolicLink(_ node: any Node, as identity: Identity) async throws(AFSError) -> [UInt8] {
    switch own(node).role {
    case .vnode(let vnode): return try await context.linkText(of: vnode, as: identity)
    case .madeUpLink(let text): return text
    case .mountPoint, .madeUpMountPoint, .dynamicRoot: throw .notSymbolicLink
    }
  }
}

extension Attributes.Kind {
  init(_ kind: FileStatus.Kind) {
    switch kind {
    case .file: self = .file
    case .directory: self = .directory
    case .symbolicLink: self = .symbolicLink
    }
  }
}
