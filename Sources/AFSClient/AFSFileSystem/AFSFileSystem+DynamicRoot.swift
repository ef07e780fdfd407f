import AFSBase
import AFSCredentials
import AFSTypes

extension AFSFileSystem {
  /// How long the kernel may remember that a name in the dynamic root is nothing: DNS may know it later.
  private static let absenceValidity = Duration.seconds(30)

  func cachedDynamicLookup(_ name: [UInt8]) -> Result<Lookup, AFSError>? {
    switch DynamicRoot.meaning(of: name) {
    case nil: return .success(.absent(validity: Self.madeUpValidity))
    case .localCell: return .success(localCellLookup())
    case .cell(let cell, let isReadWrite):
      if context.cells.cell(cell) != nil { return .success(.found(cellEntry(cell, isReadWrite: isReadWrite))) }
      // Tools look for names like `.git` everywhere: only a domain name is worth a question to DNS.
      if !cell.text.contains(".") { return .success(.absent(validity: Self.madeUpValidity)) }
      if context.resolver == nil || context.cells.isKnownAbsent(cell, now: context.now) {
        return .success(.absent(validity: Self.absenceValidity))
      }
      return nil
    }
  }

  func dynamicLookup(_ name: [UInt8]) async throws(AFSError) -> Lookup {
    if let known = cachedDynamicLookup(name) { return try known.get() }
    guard case .cell(let cell, let isReadWrite) = DynamicRoot.meaning(of: name) else {
      return .absent(validity: Self.absenceValidity)
    }
    do {
      _ = try await context.cell(named: cell)
      return .found(cellEntry(cell, isReadWrite: isReadWrite))
    } catch .noSuchCell {
      return .absent(validity: Self.absenceValidity)
    } catch {
      throw error
    }
  }

  func localCellLookup() -> Lookup {
    guard let cell = context.cells.localName else { return .absent(validity: Self.madeUpValidity) }
    let node = AFSNode(
      file: DynamicRoot.key(of: "@cell"), mount: rootNode.mount, role: .madeUpLink(Array(cell.text.utf8)))
    return .found(madeUpEntry(node))
  }

  func cellEntry(_ cell: CellName, isReadWrite: Bool) -> NodeEntry {
    let key = DynamicRoot.key(of: isReadWrite ? "." + cell.text : cell.text)
    let mount = context.mounts.mount(at: key, in: rootNode.mount)
    let target = MountTarget(cell: cell, volume: DynamicRoot.topVolume, isReadWrite: isReadWrite)
    return madeUpEntry(AFSNode(file: key, mount: rootNode.mount, role: .madeUpMountPoint(target, mount)))
  }

  private func madeUpEntry(_ node: AFSNode) -> NodeEntry {
    let attributes: NodeAttributes
    if case .madeUpMountPoint(_, let mount) = node.role, let target = mount.target {
      attributes = mountedAttributes(
        of: target.root, fileID: DynamicRoot.fileID(of: node.key.file), unless: WallTime(seconds: 0))
    } else {
      attributes = madeUpNodeAttributes(node)
    }
    return NodeEntry(
      node: node, attributes: attributes.attributes, entryValidity: Self.madeUpValidity,
      attributeValidity: attributes.validity)
  }

  /// The names of the dynamic root: `.`, `..`, `@cell`, and both names of every configured cell.
  func dynamicRootEntries() -> [(name: String, entry: NodeEntry?)] {
    var entries: [(String, NodeEntry?)] = []
    if case .found(let entry) = localCellLookup() { entries.append(("@cell", entry)) }
    for cell in context.cells.listed {
      entries.append((cell.text, cellEntry(cell, isReadWrite: false)))
      entries.append(("." + cell.text, cellEntry(cell, isReadWrite: true)))
    }
    return entries
  }
}
