import AFSBase
import AFSCache
import AFSClient
import AFSMockServer
import AFSTypes
import RxTesting
import TestWorld
import Testing

/// What happens to the client from outside.
extension RandomWork {
  /// A change by another client. What the client has open is not removed under its feet, and what it has changed
  /// itself is not changed by others: what follows then is another matter (Docs/semantics.md).
  mutating func remoteChange() async throws {
    let (path, newPath, content, size) = (likelyFile(), path(), bytes(), number(0..<30_000))
    let (other, tree) = (other, tree)
    let isOpen = { [self] id in self.isOpen(id) }
    let meant = [path, newPath].compactMap { try? tree.find($0) }
    if meant.contains(where: { isOpen($0) || tree[$0].local != nil }) {
      guard number(0..<2) == 0, let id = try? tree.find(path), tree[id].kind == .file, tree[id].local == nil else {
        return
      }
      return try await both("remote: overwrite \(path)") { (tree) throws(AFSError) in
        if !content.isEmpty { tree[id].stored = FileTree.changed(tree[id].stored, writing: content, at: size) }
      } _: {
        try await other.overwrite(path, content, at: size)
      }
    }
    switch number(0..<7) {
    case 0..<2:
      try await both("remote: write \(path), \(content.count) bytes") { (tree) throws(AFSError) in
        tree[try tree.openOrMake(path)].stored = content
      } _: {
        try await other.write(path, content)
      }
    case 2:
      try await both("remote: remove \(path)") { (tree) throws(AFSError) in
        try tree.remove(path, isOpen: { _ in false })
      } _: {
        try await other.remove(path)
      }
    case 3:
      try await both("remote: rename \(path) to \(newPath)") { (tree) throws(AFSError) in
        try tree.rename(path, to: newPath, isOpen: { _ in false })
      } _: {
        try await other.rename(path, to: newPath)
      }
    case 4:
      try await both("remote: mkdir \(newPath)") { (tree) throws(AFSError) in
        try tree.make(.directory, newPath)
      } _: {
        try await other.makeDirectory(newPath)
      }
    case 5:
      try await both("remote: rmdir \(newPath)") { (tree) throws(AFSError) in
        try tree.removeDirectory(newPath)
      } _: {
        try await other.removeDirectory(newPath)
      }
    default:
      if let id = try? tree.find(path), tree[id].kind != .file { return }
      try await both("remote: truncate \(path) to \(size)") { (tree) throws(AFSError) in
        let id = try tree.find(path)
        tree[id].stored = FileTree.resized(tree[id].stored, to: size)
      } _: {
        try await other.setAttributes(path, AttributeChange(size: UInt64(size)))
      }
    }
  }

  /// Nothing that may be noticed.
  mutating func event() async throws {
    switch number(0..<6) {
    case 0:
      history.append("break of everything")
      await world.cell.breakVolume(world.rootCell, server: 0)
    case 1:
      let path = path()
      history.append("break of \(path)")
      if let fid = world.cell.find(path.split(separator: "/").map(String.init), in: world.rootCell) {
        await world.cell.breakCallbacks([fid])
      }
    case 2:
      history.append("the server says that it has forgotten its promises")
      await world.cell.initializeCallbackState(server: 0)
    case 3:
      history.append("the server is restarted")
      world.servers[0].restart()
      world.cell.forgetCallbacksSilently(server: 0)
      // Until the next keepalive nobody can know.
      try await world.sleep(.seconds(300))
    case 4:
      history.append("the cache is emptied")
      client.cache.flush()
    default:
      history.append("three hours pass")
      try await world.sleep(.seconds(10_800))
    }
  }

  // MARK: Comparison of what is shown

  /// A few random looks after each step.
  mutating func look() async throws {
    let (path, tree) = (path(), tree)
    try await compare(path, tree, client, isOwn: true)
    let paths = tree.paths()
    if !paths.isEmpty { try await compare(paths[number(0..<paths.count)].path, tree, client, isOwn: true) }
  }

  mutating func compareEverything() async throws {
    history.append("(comparison of everything)")
    try await compareDirectory("", 0, tree, client)
    for (path, id) in tree.paths() {
      try await compare(path, tree, client, isOwn: true)
      try await compare(path, tree, other, isOwn: false)
      let names = path.split(separator: "/").map(String.init)
      let fid = try #require(world.cell.find(names, in: world.rootCell), "\(path); \(report)")
      if tree[id].kind == .file, let difference = difference(world.cell.contents(of: fid) ?? [], tree[id].stored) {
        throw Difference("\(path) at the server: \(difference)")
      }
    }
  }

  private func compare(_ path: String, _ tree: FileTree, _ client: Client, isOwn: Bool) async throws {
    guard let id = try? tree.find(path) else {
      do throws(AFSError) {
        _ = try await client.node(path)
        Issue.record("\(path) exists; \(report)")
        throw .alreadyExists
      } catch .notFound, .notDirectory {
        return
      } catch {
        throw error
      }
    }
    let vnode = tree[id]
    let report = "\(client.host.name) \(report)"
    let shown = try await client.attributes(path)
    try #require(shown.kind == vnode.kind, "\(path); \(report)")
    let permissions = isOwn ? vnode.localPermissions ?? vnode.permissions : vnode.permissions
    if vnode.kind != .symbolicLink { try #require(shown.permissions == permissions, "\(path); \(report)") }
    switch vnode.kind {
    case .directory: try await compareDirectory(path, id, tree, client)
    case .symbolicLink: try #require(try await client.readSymbolicLink(path) == vnode.target, "\(path); \(report)")
    case .file:
      let bytes = isOwn ? vnode.shown : vnode.stored
      try #require(shown.size == UInt64(bytes.count), "\(path); \(report)")
      try #require(shown.linkCount == UInt32(vnode.linkCount), "\(path); \(report)")
      if let difference = difference(try await client.read(path), bytes) { throw Difference("\(path): \(difference)") }
    }
  }

  private func compareDirectory(_ path: String, _ id: Int, _ tree: FileTree, _ client: Client) async throws {
    let names = try await client.list(path).filter { !$0.hasPrefix(".__afs") }
    try #require(names == tree[id].names.keys.sorted(), "\(path); \(report)")
  }
}
