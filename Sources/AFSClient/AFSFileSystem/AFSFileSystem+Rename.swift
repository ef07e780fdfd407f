import AFSBase
public import AFSCredentials
import AFSTypes

extension AFSFileSystem {
  public func rename(
    _ name: [UInt8], in directory: any Node, to newName: [UInt8], in newDirectory: any Node, replacing: Bool,
    as identity: Identity
  ) async throws(AFSError) {
    try checkName(name)
    try checkName(newName)
    for dots in [Self.dot, Self.dotDot] where name == dots || newName == dots { throw .invalidArgument }
    let source = try await writablePlace(of: own(directory), as: identity)
    let destination = try await writablePlace(of: own(newDirectory), as: identity)
    guard source.vnode.volume === destination.vnode.volume, source.mount === destination.mount else {
      throw .crossDevice
    }
    if replacing { try await loadChild(newName, of: destination, as: identity) }
    try await checkLinks(name, in: source, leaving: destination, as: identity)
    try await lock(source.vnode, destination.vnode)
    defer { unlock(source.vnode, destination.vnode) }
    try await lockedRename(name, in: source, to: newName, in: destination, replacing: replacing, as: identity)
  }

  /// A file with several names cannot leave its directory (OpenAFS src/viced/afsfileprocs.c, SAFSS_Rename).
  private func checkLinks(
    _ name: [UInt8], in source: Place, leaving destination: Place, as identity: Identity
  ) async throws(AFSError) {
    guard source.vnode !== destination.vnode else { return }
    let current = try await context.currentDirectory(of: source.vnode, as: identity)
    guard let fid = find(name, in: current.directory, of: source.vnode), fid.vnode & 1 == 0 else { return }
    let vnode = context.vnodes.vnode(for: fid, in: source.vnode.volume)
    let status = try await context.currentStatus(of: vnode, as: identity).status
    if status.kind == .file, status.linkCount > 1 { throw .crossDevice }
  }

  private func lock(_ a: Vnode, _ b: Vnode) async throws(AFSError) {
    if a === b { return try await a.operationLock.lock() }
    let (first, second) = FileKey.precedes(a.key, b.key) ? (a, b) : (b, a)
    try await first.operationLock.lock()
    do {
      try await second.operationLock.lock()
    } catch {
      first.operationLock.release()
      throw error
    }
  }

  private func unlock(_ a: Vnode, _ b: Vnode) {
    a.operationLock.release()
    if a !== b { b.operationLock.release() }
  }

  /// A directory replaces directories only, and nothing else does. Directories have odd vnode numbers.
  private func checkKinds(moving fid: FID, onto target: FID) throws(AFSError) {
    switch (fid.vnode & 1 == 1, target.vnode & 1 == 1) {
    case (true, false): throw .notDirectory
    case (false, true): throw .isDirectory
    case (true, true), (false, false): break
    }
  }

  private func lockedRename(
    _ name: [UInt8], in source: Place, to newName: [UInt8], in destination: Place, replacing: Bool,
    as identity: Identity
  ) async throws(AFSError) {
    let old = try await context.lockedDirectory(of: source.vnode, as: identity)
    let new = try await context.lockedDirectory(of: destination.vnode, as: identity)
    guard let fid = find(name, in: old.directory, of: source.vnode) else { throw .notFound }
    var target = find(newName, in: new.directory, of: destination.vnode)
    if target == fid { return }
    if target != nil, !replacing { throw .alreadyExists }
    if let target { try checkKinds(moving: fid, onto: target) }
    try checkRights(.delete, in: source, as: identity)
    try checkRights(target == nil ? .insert : [.insert, .delete], in: destination, as: identity)
    let cell = source.vnode.key.cell
    if let target, isKnownToHaveEntries(context.vnodes.vnode(for: FileKey(cell: cell, fid: target)), as: identity) {
      throw .notEmpty
    }
    if let replaced = target, let vnode = context.vnodes.vnode(for: FileKey(cell: cell, fid: replaced)), vnode.isOpen,
      try await hide(vnode, named: newName, in: destination, as: identity)
    {
      target = nil
    }
    do {
      try await context.rename(
        name, in: source.vnode, to: newName, in: destination.vnode, moving: fid, replacing: target != nil,
        as: identity)
    } catch .alreadyExists {
      // Either the target is a directory with entries, or our view of the directory was old.
      throw target?.vnode.isMultiple(of: 2) == false ? .notEmpty : .alreadyExists
    } catch {
      throw error
    }
    if let target, let vnode = context.vnodes.vnode(for: FileKey(cell: cell, fid: target)) {
      vnode.nameRemoved()
      if vnode.withState({ $0.isRemoved }) { dropContents(of: vnode) }
    }
    if source.vnode !== destination.vnode {
      // The server has changed the moved file's parent, and a moved directory's `..`.
      context.vnodes.vnode(for: FileKey(cell: cell, fid: fid))?.withState { state in
        state.distrust()
        state.directory = nil
      }
      invalidateParent(of: fid, in: source.vnode)
    }
  }

  private func invalidateParent(of fid: FID, in directory: Vnode) {
    context.invalidations.invalidate(.attributes(FileKey(cell: directory.key.cell, fid: fid)))
  }
}
