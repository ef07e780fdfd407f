import AFSBase
public import AFSCredentials
import AFSTypes
import Logging

/// Operations that make, remove and move names.
extension AFSFileSystem {
  /// What is in a directory under a name, for the checks before a change which needs `rights`. The caller holds the
  /// operation lock.
  func existing(
    _ name: [UInt8], in place: Place, needing rights: AccessRights, as identity: Identity
  ) async throws(AFSError) -> FID? {
    let current = try await context.lockedDirectory(of: place.vnode, as: identity)
    try checkRights(rights, in: place, as: identity)
    return find(name, in: current.directory, of: place.vnode)
  }

  /// Refuses here what the server would refuse: its aborts come late when they are many.
  func checkRights(_ rights: AccessRights, in place: Place, as identity: Identity) throws(AFSError) {
    let security = context.security(for: identity, in: place.vnode.volume.cell)
    guard let known = place.vnode.rights(for: security) else { return }
    guard known.isSuperset(of: rights) else { throw refusal(in: place, as: identity) }
  }

  private func checkNewName(_ name: [UInt8]) throws(AFSError) {
    try checkName(name)
    if name == Self.dot || name == Self.dotDot { throw .alreadyExists }
  }

  /// How long the kernel may remember a name of the directory, by what is known of it now.
  private func entryValidity(in place: Place) -> Duration {
    guard let trusted = place.vnode.trustedStatus(now: context.now) else { return .zero }
    return validity(trusted.remaining, of: trusted.status)
  }

  private func newEntry(_ created: (Vnode, ClientContext.CurrentStatus), in place: Place) -> NodeEntry {
    entry(for: created.0, created.1, in: place, entryValidity: entryValidity(in: place))
  }

  // MARK: Files

  public func create(
    _ name: [UInt8], in directory: any Node, permissions: UInt16, exclusive: Bool, access: OpenAccess,
    as identity: Identity
  ) async throws(AFSError) -> (NodeEntry, any OpenFile) {
    try checkNewName(name)
    let place = try await writablePlace(of: own(directory), as: identity)
    // Somebody may remove the name between our attempt to create it and the one to open it, and so on.
    for _ in 0..<4 {
      if let created = try await createIfAbsent(name, in: place, permissions: permissions, as: identity) {
        let entry = newEntry(created, in: place)
        // Who made the file may write it, whatever its mode says.
        let file = try await openChecked(own(entry.node), created.0, access: access, as: identity)
        return (entry, file)
      }
      if exclusive { throw .alreadyExists }
      guard case .found(let entry) = try await lookup(name, in: directory, as: identity) else { continue }
      if entry.attributes.kind == .directory { throw .isDirectory }
      let file = try await open(entry.node, access: access, as: identity)
      return (entry, file)
    }
    throw .busy
  }

  /// Nil when the name exists.
  private func createIfAbsent(
    _ name: [UInt8], in place: Place, permissions: UInt16, as identity: Identity
  ) async throws(AFSError) -> (Vnode, ClientContext.CurrentStatus)? {
    try await place.vnode.operationLock.lock()
    defer { place.vnode.operationLock.release() }
    guard try await existing(name, in: place, needing: .insert, as: identity) == nil else { return nil }
    do {
      return try await context.createFile(name, in: place.vnode, permissions: permissions, as: identity)
    } catch .alreadyExists {
      return nil
    } catch {
      throw error
    }
  }

  public func makeDirectory(
    _ name: [UInt8], in directory: any Node, permissions: UInt16, as identity: Identity
  ) async throws(AFSError) -> NodeEntry {
    try checkNewName(name)
    let place = try await writablePlace(of: own(directory), as: identity)
    try await place.vnode.operationLock.lock()
    defer { place.vnode.operationLock.release() }
    guard try await existing(name, in: place, needing: .insert, as: identity) == nil else { throw .alreadyExists }
    return newEntry(
      try await context.makeDirectory(name, in: place.vnode, permissions: permissions, as: identity), in: place)
  }

  public func makeSymbolicLink(
    _ name: [UInt8], in directory: any Node, target: [UInt8], as identity: Identity
  ) async throws(AFSError) -> NodeEntry {
    try checkNewName(name)
    if target.count > RXAFSLimits.linkTextMax { throw .nameTooLong }
    if target.isEmpty || target.contains(0) { throw .invalidArgument }
    let place = try await writablePlace(of: own(directory), as: identity)
    try await place.vnode.operationLock.lock()
    defer { place.vnode.operationLock.release() }
    guard try await existing(name, in: place, needing: .insert, as: identity) == nil else { throw .alreadyExists }
    let created = try await context.makeSymbolicLink(
      name, in: place.vnode, text: target, permissions: 0o755, as: identity)
    return newEntry(created, in: place)
  }

  public func makeLink(
    _ name: [UInt8], in directory: any Node, to file: any Node, as identity: Identity
  ) async throws(AFSError) -> NodeEntry {
    try checkNewName(name)
    let (node, fileNode) = (own(directory), own(file))
    let place = try await writablePlace(of: node, as: identity)
    guard case .vnode(let vnode) = fileNode.role, vnode.volume === place.vnode.volume,
      fileNode.mount === place.mount
    else { throw .crossDevice }
    // A link must lie beside the file's first name (OpenAFS src/viced/afsfileprocs.c, SAFSS_Link).
    let status = try await context.currentStatus(of: vnode, as: identity).status
    guard status.kind == .file else { throw .notPermitted }
    guard status.parentVnode == place.vnode.fid.vnode, status.parentUnique == place.vnode.fid.unique else {
      throw .crossDevice
    }
    try await place.vnode.operationLock.lock()
    defer { place.vnode.operationLock.release() }
    guard try await existing(name, in: place, needing: .insert, as: identity) == nil else { throw .alreadyExists }
    try await context.makeLink(name, in: place.vnode, to: vnode, as: identity)
    let current = try await context.currentStatus(of: vnode, as: identity)
    return entry(for: vnode, current, in: place, entryValidity: entryValidity(in: place))
  }

  // MARK: Removal

  public func removeFile(
    _ name: [UInt8], in directory: any Node, as identity: Identity
  ) async throws(AFSError) {
    try checkName(name)
    let place = try await writablePlace(of: own(directory), as: identity)
    try await place.vnode.operationLock.lock()
    defer { place.vnode.operationLock.release() }
    guard let fid = try await existing(name, in: place, needing: .delete, as: identity) else { throw .notFound }
    let vnode = context.vnodes.vnode(for: FileKey(cell: place.vnode.key.cell, fid: fid))
    if let vnode, vnode.isOpen, try await hide(vnode, named: name, in: place, as: identity) { return }
    try await context.removeFile(name, from: place.vnode, file: vnode, as: identity)
    if let vnode, vnode.withState({ $0.isRemoved }) { dropContents(of: vnode) }
  }

  func dropContents(of vnode: Vnode) {
    let contents = vnode.withState { state -> FileContents? in
      guard state.openCount == 0 else { return nil }
      defer { state.dropContents() }
      return state.contents
    }
    contents?.discard()
  }

  public func removeDirectory(
    _ name: [UInt8], in directory: any Node, as identity: Identity
  ) async throws(AFSError) {
    try checkName(name)
    let place = try await writablePlace(of: own(directory), as: identity)
    try await loadChild(name, of: place, as: identity)
    try await place.vnode.operationLock.lock()
    defer { place.vnode.operationLock.release() }
    guard let fid = try await existing(name, in: place, needing: .delete, as: identity) else { throw .notFound }
    // Directories have odd vnode numbers. A mount point looks like one, but is removed by `fs rmmount` only.
    guard fid.vnode & 1 == 1 else { throw .notDirectory }
    let vnode = context.vnodes.vnode(for: FileKey(cell: place.vnode.key.cell, fid: fid))
    if isKnownToHaveEntries(vnode, as: identity) { throw .notEmpty }
    try await context.removeDirectory(name, from: place.vnode, child: vnode, as: identity)
  }
}

extension AFSFileSystem {
  /// Loads the contents of a directory that is about to be removed or replaced, so that the question whether it is
  /// empty needs no refusal by the server. No lock is held by the caller: two would be taken in any order.
  func loadChild(_ name: [UInt8], of place: Place, as identity: Identity) async throws(AFSError) {
    let current = try await context.currentDirectory(of: place.vnode, as: identity)
    guard let fid = find(name, in: current.directory, of: place.vnode), fid.vnode & 1 == 1 else { return }
    do {
      _ = try await context.currentDirectory(of: context.vnodes.vnode(for: fid, in: place.vnode.volume), as: identity)
    } catch .interrupted {
      throw .interrupted
    } catch {
      // Then the server has to tell.
    }
  }

  func isKnownToHaveEntries(_ vnode: Vnode?, as identity: Identity) -> Bool {
    guard let vnode, let current = context.cachedDirectory(of: vnode, as: identity) else { return false }
    // `.` and `..` are entries of their own.
    return current.directory.contents.entryCount > 2
  }
}

extension Vnode {
  var isOpen: Bool { withState { $0.openCount > 0 } }
}
