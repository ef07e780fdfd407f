import AFSBase
public import AFSCredentials
import AFSTypes

extension AFSFileSystem {
  // MARK: From memory

  public func cachedLookup(
    _ name: [UInt8], in directory: any Node, as identity: Identity
  ) -> Result<Lookup, AFSError>? {
    let node = own(directory)
    do {
      try checkName(name)
    } catch {
      return .failure(error)
    }
    if case .dynamicRoot = node.role { return cachedDynamicLookup(name) }
    guard let place = cachedPlace(of: node), let current = context.cachedDirectory(of: place.vnode, as: identity)
    else { return nil }
    guard current.rights.contains(.lookup) else { return .failure(refusal(in: place, as: identity)) }
    let entryValidity = validity(current.remaining, of: current.status)
    for candidate in expansions(of: name) {
      if candidate == Self.dot || candidate == Self.dotDot { return nil }
      guard let fid = find(candidate, in: current.directory, of: place.vnode) else { continue }
      guard let vnode = context.vnodes.vnode(for: FileKey(cell: place.vnode.key.cell, fid: fid)),
        let status = context.cachedStatus(of: vnode, as: identity)
      else { return nil }
      return .success(.found(entry(for: vnode, status, in: place, entryValidity: entryValidity)))
    }
    return .success(.absent(validity: entryValidity))
  }

  /// What who may not use a directory is told.
  func refusal(in place: Place, as identity: Identity) -> AFSError {
    context.refusal(of: identity, in: place.vnode.volume.cell)
  }

  func find(_ name: [UInt8], in directory: LoadedDirectory, of vnode: Vnode) -> FID? {
    directory.contents.lookup(name).map { found in
      FID(volume: vnode.fid.volume, vnode: found.vnode, unique: found.unique)
    }
  }

  static let dot = [UInt8(ascii: ".")]
  static let dotDot = [UInt8(ascii: "."), UInt8(ascii: ".")]
  private static let systemSuffix = Array("@sys".utf8)

  /// A name that ends in `@sys` means the first of the names with a system name in its place that exists.
  func expansions(of name: [UInt8]) -> [[UInt8]] {
    guard name.count >= 4, name.suffix(4).elementsEqual(Self.systemSuffix), !context.configuration.systemNames.isEmpty
    else { return [name] }
    return context.configuration.systemNames.map { Array(name.dropLast(4)) + Array($0.utf8) }
  }

  // MARK: With questions

  public func lookup(
    _ name: [UInt8], in directory: any Node, as identity: Identity
  ) async throws(AFSError) -> Lookup {
    let node = own(directory)
    try checkName(name)
    if case .dynamicRoot = node.role { return try await dynamicLookup(name) }
    if name == Self.dot { return .found(try await entry(for: node, as: identity)) }
    let place = try await place(of: node, as: identity)
    do {
      return try await lookup(name, in: place, as: identity)
    } catch .stale {
      // The directory in memory names a file that is gone: what it says is not to be trusted.
      place.vnode.withState { $0.distrust() }
      return try await lookup(name, in: place, as: identity)
    } catch {
      throw error
    }
  }

  private func lookup(
    _ name: [UInt8], in place: Place, as identity: Identity
  ) async throws(AFSError) -> Lookup {
    let current = try await context.currentDirectory(of: place.vnode, as: identity)
    guard current.rights.contains(.lookup) else { throw refusal(in: place, as: identity) }
    let entryValidity = validity(current.remaining, of: current.status)
    if name == Self.dotDot { return .found(try await parentEntry(of: place, current, as: identity)) }
    for candidate in expansions(of: name) {
      guard let fid = find(candidate, in: current.directory, of: place.vnode) else { continue }
      let vnode = context.vnodes.vnode(for: fid, in: place.vnode.volume)
      let status = try await status(of: vnode, named: candidate, in: place, current.directory, as: identity)
      return .found(entry(for: vnode, status, in: place, entryValidity: entryValidity))
    }
    return .absent(validity: entryValidity)
  }

  /// The status of a directory's entry. When it must be asked for, so are those of its neighbours: who looks at one
  /// file looks at the next ones too.
  private func status(
    of vnode: Vnode, named name: [UInt8], in place: Place, _ directory: LoadedDirectory, as identity: Identity
  ) async throws(AFSError) -> ClientContext.CurrentStatus {
    if let known = context.cachedStatus(of: vnode, as: identity) { return known }
    try await place.vnode.lookupLock.lock()
    defer { place.vnode.lookupLock.release() }
    if let known = context.cachedStatus(of: vnode, as: identity) { return known }
    let (cell, volume) = (vnode.key.cell, vnode.volume)
    let neighbours = directory.neighbours(of: name, count: RXAFSLimits.callbacksPerCall - 1) { number, unique in
      let fid = FID(volume: volume.id, vnode: number, unique: unique)
      // The directory itself and its parent are entries too, and known or of no use here.
      guard fid != vnode.fid, fid != place.vnode.fid else { return false }
      let known = context.vnodes.vnode(for: FileKey(cell: cell, fid: fid))
      return known.map { context.cachedStatus(of: $0, as: identity) == nil } ?? true
    }
    let vnodes =
      [vnode]
      + neighbours.map { neighbour in
        context.vnodes.vnode(for: FID(volume: volume.id, vnode: neighbour.vnode, unique: neighbour.unique), in: volume)
      }
    do {
      try await context.fetchStatuses(of: vnodes, as: identity)
    } catch .interrupted {
      throw .interrupted
    } catch {
      // The file itself is asked for below, and its error is the one that counts.
    }
    return try await context.currentStatus(of: vnode, as: identity)
  }

  /// The entry of a node itself.
  func entry(for node: AFSNode, as identity: Identity) async throws(AFSError) -> NodeEntry {
    let attributes = try await attributes(of: node, as: identity)
    return NodeEntry(
      node: node, attributes: attributes.attributes, entryValidity: .zero, attributeValidity: attributes.validity)
  }

  /// `..`: of a volume's root directory it is the directory which holds the mount point.
  private func parentEntry(
    of place: Place, _ current: ClientContext.CurrentDirectory, as identity: Identity
  ) async throws(AFSError) -> NodeEntry {
    guard place.vnode === place.mount.target?.root else {
      guard let fid = find(Self.dotDot, in: current.directory, of: place.vnode) else {
        throw .corrupt("directory \(place.vnode.fid) has no parent")
      }
      return try await entry(for: directoryNode(fid, in: place), as: identity)
    }
    guard let outer = place.mount.parent else { return try await entry(for: rootNode, as: identity) }
    guard let target = outer.target else { return try await entry(for: rootNode, as: identity) }
    let point = context.vnodes.vnode(for: place.mount.point.fid, in: target.root.volume)
    let status = try await context.currentStatus(of: point, as: identity).status
    let fid = FID(volume: point.fid.volume, vnode: status.parentVnode, unique: status.parentUnique)
    return try await entry(for: directoryNode(fid, in: Place(vnode: target.root, mount: outer)), as: identity)
  }

  /// The node of a directory within a mount: its root is known by its mount point.
  private func directoryNode(_ fid: FID, in place: Place) -> AFSNode {
    let volume = place.vnode.volume
    guard fid == .root(of: volume.id) else {
      return AFSNode(context.vnodes.vnode(for: fid, in: volume), in: place.mount)
    }
    guard let outer = place.mount.parent else { return rootNode }
    if place.mount.point.cell == 0 { return dynamicNode(at: place.mount, in: outer) }
    guard let outerTarget = outer.target else { return rootNode }
    let point = context.vnodes.vnode(for: place.mount.point.fid, in: outerTarget.root.volume)
    return AFSNode(file: point.key, mount: outer, role: .mountPoint(point, place.mount))
  }

  /// The node of a cell in the dynamic root, of which the mount exists.
  private func dynamicNode(at mount: Mount, in outer: Mount) -> AFSNode {
    let root = mount.target?.root
    let target = MountTarget(
      cell: root?.volume.cell.name, volume: DynamicRoot.topVolume,
      isReadWrite: root.map { !$0.volume.isReadOnly } ?? false)
    return AFSNode(file: mount.point, mount: outer, role: .madeUpMountPoint(target, mount))
  }
}
