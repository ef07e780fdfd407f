import AFSBase
import AFSClient
import AFSTypes

extension StoredVolume {
  /// What a rename changed, for callbacks and replies.
  struct Renamed: Sendable {
    var moved: FID
    /// The file or empty directory that had the new name before.
    var replaced: FID?
  }

  mutating func rename(
    _ name: [UInt8], in source: FID, to newName: [UInt8], in target: FID, now: WallTime
  ) throws(StorageError) -> Renamed {
    let (_, from) = try changeable(source)
    let (_, to) = try changeable(target)
    guard let entry = from.lookup(name) else { throw .notFound }
    guard let moved = vnodes[entry.vnode] else { throw .noSuchVnode }
    let fid = FID(volume: id, vnode: entry.vnode, unique: entry.unique)
    if moved.kind != .directory, source.vnode != target.vnode, moved.linkCount > 1 { throw .crossDevice }
    if moved.kind == .directory, isBelow(target, fid) { throw .invalid }
    let replaced = to.lookup(newName).map { FID(volume: id, vnode: $0.vnode, unique: $0.unique) }
    if replaced == fid { return Renamed(moved: fid, replaced: nil) }
    if let replaced { try requireReplaceable(replaced, by: moved) }
    try moveName(name, source, newName, target, replaced: replaced, moved: fid, now: now)
    return Renamed(moved: fid, replaced: replaced)
  }

  private func isBelow(_ fid: FID, _ ancestor: FID) -> Bool {
    var number = fid.vnode
    for _ in 0..<10_000 {
      if number == ancestor.vnode { return true }
      guard number != 1, let vnode = vnodes[number] else { return false }
      number = vnode.parentVnode
    }
    return true
  }

  private func requireReplaceable(_ victim: FID, by moved: StoredVnode) throws(StorageError) {
    let old = try vnode(victim)
    switch (moved.kind == .directory, old.contents) {
    case (true, .directory(let inside)): if !inside.isEmpty { throw .notEmpty }
    case (true, _): throw .notDirectory
    case (false, .directory): throw .isDirectory
    case (false, _): break
    }
  }

  private mutating func moveName(
    _ name: [UInt8], _ source: FID, _ newName: [UInt8], _ target: FID, replaced: FID?, moved fid: FID, now: WallTime
  ) throws(StorageError) {
    let isDirectory = vnodes[fid.vnode]?.kind == .directory
    if let replaced {
      if vnodes[replaced.vnode]?.kind == .directory {
        vnodes[replaced.vnode] = nil
        vnodes[target.vnode]?.linkCount -= 1
      } else {
        unlink(replaced.vnode, now: now)
      }
    }
    var (fromVnode, from) = try directory(source)
    from.remove(name)
    if source.vnode == target.vnode {
      if replaced != nil { from.remove(newName) }
      try from.insert(newName, vnode: fid.vnode, unique: fid.unique)
      put(from, in: fromVnode, at: source, now: now)
    } else {
      if isDirectory { fromVnode.linkCount -= 1 }
      put(from, in: fromVnode, at: source, now: now)
      var (toVnode, to) = try directory(target)
      if replaced != nil { to.remove(newName) }
      try to.insert(newName, vnode: fid.vnode, unique: fid.unique)
      if isDirectory { toVnode.linkCount += 1 }
      put(to, in: toVnode, at: target, now: now)
      try adopt(fid, by: target, now: now)
    }
  }

  /// The moved vnode has a new parent; a directory's `..` names it.
  private mutating func adopt(_ fid: FID, by parent: FID, now: WallTime) throws(StorageError) {
    var vnode = try vnode(fid)
    vnode.parentVnode = parent.vnode
    vnode.parentUnique = parent.unique
    vnode.serverModified = now
    if case .directory(var inside) = vnode.contents {
      inside.remove(Array("..".utf8))
      try inside.insert(Array("..".utf8), vnode: parent.vnode, unique: parent.unique)
      vnode.contents = .directory(inside)
      vnode.dataVersion.rawValue += 1
    }
    vnodes[fid.vnode] = vnode
  }
}
