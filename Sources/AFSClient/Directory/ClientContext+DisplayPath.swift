import AFSTypes

/// Where a file lies, for messages to people.
extension ClientContext {
  /// No path that Linux takes has more names.
  private static let namesMax = 2048

  /// The file's path from the mount's root, as far as the directories on the way are in memory, with its FID: a log line
  /// must not wait for a server. `?` stands for what is not known.
  package func displayPath(of vnode: Vnode) -> String {
    var names: [String] = []
    var current = vnode
    while names.count < Self.namesMax {
      if current.fid == .root(of: current.volume.id) {
        // Where the volume is mounted, in one of its places.
        guard let point = current.withState({ $0.mountPoints.first }) else { return path(names, "?", of: vnode) }
        if point == DynamicRoot.rootKey { return path(names, "", of: vnode) }
        if point.cell == 0 { return path(names, "/" + current.volume.cell.name.text, of: vnode) }
        guard let outer = vnodes.vnode(for: point) else { return path(names, "?", of: vnode) }
        current = outer
        continue
      }
      guard let (parent, name) = parentAndName(of: current) else { return path(names, "?", of: vnode) }
      names.append(name)
      current = parent
    }
    return path(names, "?", of: vnode)
  }

  private func path(_ names: [String], _ start: String, of vnode: Vnode) -> String {
    ([start] + names.reversed()).joined(separator: "/")
      + " (\(vnode.fid) in volume \(vnode.volume.name) of cell \(vnode.volume.cell.name))"
  }

  func parentAndName(of vnode: Vnode) -> (Vnode, String)? {
    let (status, directory) = vnode.withState { ($0.status, $0.directory) }
    let parent: FID
    if status?.kind == .directory {
      // A directory's status names the directory itself.
      let dots = [UInt8(ascii: "."), UInt8(ascii: ".")]
      guard let entry = directory?.contents.lookup(dots) else { return nil }
      parent = FID(volume: vnode.fid.volume, vnode: entry.vnode, unique: entry.unique)
    } else {
      guard let status else { return nil }
      parent = FID(volume: vnode.fid.volume, vnode: status.parentVnode, unique: status.parentUnique)
    }
    guard let above = vnodes.vnode(for: FileKey(cell: vnode.key.cell, fid: parent)),
      let name = above.withState({ $0.directory })?.name(of: vnode.fid)
    else { return nil }
    return (above, String(decoding: name, as: UTF8.self))
  }
}
