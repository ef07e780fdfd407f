import AFSBase
import AFSClient
import AFSCredentials
import AFSTypes
import Glibc
import Synchronization

extension MemoryFileSystem {
  // MARK: Names

  func cachedLookup(_ name: [UInt8], in directory: any Node, as identity: Identity) -> Result<Lookup, AFSError>? {
    guard behaviour.answersFromCache else { return nil }
    do throws(AFSError) { return .success(try find(name, in: directory)) } catch { return .failure(error) }
  }

  func lookup(_ name: [UInt8], in directory: any Node, as identity: Identity) async throws(AFSError) -> Lookup {
    try find(name, in: directory)
  }

  private func find(_ name: [UInt8], in directory: any Node) throws(AFSError) -> Lookup {
    let found = try locked { (state) throws(AFSError) -> Lookup in
      state.counts.lookups += 1
      try check(name, state)
      let parent = Self.number(directory)
      guard let number = state.inodes[parent]?.entries[name] else {
        return .absent(validity: state.behaviour.absentValidity)
      }
      let mount = state.inodes[parent]?.mountOf[name] ?? directory.key.mount
      return .found(try entry(number, mount: mount, &state))
    }
    return found
  }

  func create(
    _ name: [UInt8], in directory: any Node, permissions: UInt16, exclusive: Bool, access: OpenAccess,
    as identity: Identity
  ) async throws(AFSError) -> (NodeEntry, any OpenFile) {
    let made = try locked { (state) throws(AFSError) -> NodeEntry in
      try check(name, state)
      let parent = Self.number(directory)
      if let number = state.inodes[parent]?.entries[name] {
        if exclusive { throw .alreadyExists }
        if access.truncates { state.inodes[number]?.bytes = [] }
        return try entry(number, mount: directory.key.mount, &state)
      }
      let number = Self.make(
        .file, name, in: parent, permissions: permissions, uid: identity.uid, state: &state)
      state.counts.opens += 1
      return try entry(number, mount: directory.key.mount, &state)
    }
    return (made, MemoryFile(made.node, self))
  }

  func makeDirectory(
    _ name: [UInt8], in directory: any Node, permissions: UInt16, as identity: Identity
  ) async throws(AFSError) -> NodeEntry {
    try make(.directory, name, in: directory, permissions: permissions, as: identity, bytes: [])
  }

  func makeSymbolicLink(
    _ name: [UInt8], in directory: any Node, target: [UInt8], as identity: Identity
  ) async throws(AFSError) -> NodeEntry {
    try make(.symbolicLink, name, in: directory, permissions: 0o777, as: identity, bytes: target)
  }

  private func make(
    _ kind: Attributes.Kind, _ name: [UInt8], in directory: any Node, permissions: UInt16, as identity: Identity,
    bytes: [UInt8]
  ) throws(AFSError) -> NodeEntry {
    try locked { (state) throws(AFSError) -> NodeEntry in
      try check(name, state)
      let parent = Self.number(directory)
      guard state.inodes[parent]?.entries[name] == nil else { throw .alreadyExists }
      let number = Self.make(
        kind, name, in: parent, permissions: permissions, uid: identity.uid, state: &state, bytes: bytes)
      return try entry(number, mount: directory.key.mount, &state)
    }
  }

  func makeLink(
    _ name: [UInt8], in directory: any Node, to file: any Node, as identity: Identity
  ) async throws(AFSError) -> NodeEntry {
    try locked { (state) throws(AFSError) -> NodeEntry in
      try check(name, state)
      let parent = Self.number(directory)
      let number = Self.number(file)
      guard state.inodes[parent]?.entries[name] == nil else { throw .alreadyExists }
      // As in AFS: only within the directory.
      guard state.inodes[parent]?.entries.values.contains(number) == true else { throw .crossDevice }
      state.inodes[parent]?.entries[name] = number
      state.inodes[parent]?.order.append(name)
      state.inodes[number]?.links += 1
      return try entry(number, mount: file.key.mount, &state)
    }
  }

  func removeFile(_ name: [UInt8], in directory: any Node, as identity: Identity) async throws(AFSError) {
    try locked { (state) throws(AFSError) -> Void in
      try check(name, state)
      let parent = Self.number(directory)
      guard let number = state.inodes[parent]?.entries[name] else { throw .notFound }
      guard state.inodes[number]?.kind != .directory else { throw .isDirectory }
      remove(name, in: parent, &state)
      state.inodes[number]?.links -= 1
    }
  }

  func removeDirectory(_ name: [UInt8], in directory: any Node, as identity: Identity) async throws(AFSError) {
    try locked { (state) throws(AFSError) -> Void in
      try check(name, state)
      let parent = Self.number(directory)
      guard let number = state.inodes[parent]?.entries[name], let inode = state.inodes[number] else {
        throw .notFound
      }
      guard inode.kind == .directory else { throw .notDirectory }
      guard inode.entries.isEmpty else { throw .notEmpty }
      remove(name, in: parent, &state)
    }
  }

  private func remove(_ name: [UInt8], in parent: UInt64, _ state: inout State) {
    state.inodes[parent]?.entries[name] = nil
    state.inodes[parent]?.order.removeAll { $0 == name }
    state.inodes[parent]?.version += 1
  }

  func rename(
    _ name: [UInt8], in directory: any Node, to newName: [UInt8], in newDirectory: any Node, replacing: Bool,
    as identity: Identity
  ) async throws(AFSError) {
    try locked { (state) throws(AFSError) -> Void in
      try check(newName, state)
      let (from, to) = (Self.number(directory), Self.number(newDirectory))
      guard let number = state.inodes[from]?.entries[name] else { throw .notFound }
      if let old = state.inodes[to]?.entries[newName] {
        guard replacing else { throw .alreadyExists }
        guard state.inodes[old]?.entries.isEmpty == true else { throw .notEmpty }
        remove(newName, in: to, &state)
      }
      remove(name, in: from, &state)
      state.inodes[to]?.entries[newName] = number
      state.inodes[to]?.order.append(newName)
    }
  }

  // MARK: Attributes

  func cachedAttributes(of node: any Node, as identity: Identity) -> Result<NodeAttributes, AFSError>? {
    guard behaviour.answersFromCache else { return nil }
    do throws(AFSError) { return .success(try known(node)) } catch { return .failure(error) }
  }

  func attributes(of node: any Node, as identity: Identity) async throws(AFSError) -> NodeAttributes {
    try known(node)
  }

  private func known(_ node: any Node) throws(AFSError) -> NodeAttributes {
    try locked { (state) throws(AFSError) -> NodeAttributes in
      state.counts.attributes += 1
      return NodeAttributes(
        attributes: try attributes(Self.number(node), state), validity: state.behaviour.attributeValidity)
    }
  }

  func setAttributes(
    of node: any Node, _ change: AttributeChange, file: (any OpenFile)?, as identity: Identity
  ) async throws(AFSError) -> NodeAttributes {
    try locked { (state) throws(AFSError) -> NodeAttributes in
      let number = Self.number(node)
      guard var inode = state.inodes[number] else { throw .stale }
      if let permissions = change.permissions { inode.permissions = permissions }
      if let uid = change.uid { inode.uid = uid }
      if let gid = change.gid { inode.gid = gid }
      if let modified = change.modified { inode.modified = modified }
      if let size = change.size {
        guard size < 1 << 30 else { throw .fileTooLarge }
        let count = Int(size)
        if inode.bytes.count > count { inode.bytes.removeLast(inode.bytes.count - count) }
        if inode.bytes.count < count { inode.bytes += [UInt8](repeating: 0, count: count - inode.bytes.count) }
      }
      state.inodes[number] = inode
      return NodeAttributes(attributes: try attributes(number, state), validity: state.behaviour.attributeValidity)
    }
  }

  func readSymbolicLink(_ node: any Node, as identity: Identity) async throws(AFSError) -> [UInt8] {
    try locked { (state) throws(AFSError) -> [UInt8] in
      guard let inode = state.inodes[Self.number(node)] else { throw .stale }
      guard inode.kind == .symbolicLink else { throw .notSymbolicLink }
      return inode.bytes
    }
  }

  func checkAccess(
    to node: any Node, reading: Bool, writing: Bool, executing: Bool, as identity: Identity
  ) async throws(AFSError) {
    let permissions = state.withLock { $0.inodes[Self.number(node)]?.permissions ?? 0 }
    if reading && permissions & 0o400 == 0 || writing && permissions & 0o200 == 0
      || executing && permissions & 0o100 == 0
    {
      throw .accessDenied
    }
  }

  func statistics(of node: any Node, as identity: Identity) async throws(AFSError) -> VolumeStatistics {
    VolumeStatistics(blocks: 5000, blocksFree: 3000, blocksAvailable: 2000, files: 100, filesFree: 40)
  }

  func extendedAttributeNames(of node: any Node) -> [String] { ["afs.acl", "afs.fid"] }

  func extendedAttribute(
    _ name: String, of node: any Node, as identity: Identity
  ) async throws(AFSError) -> [UInt8] {
    try locked { (state) throws(AFSError) -> [UInt8] in
      state.counts.extendedAttributes += 1
      switch name {
      case "afs.acl": return state.inodes[Self.number(node)]?.acl ?? []
      case "afs.fid": return Array("1.\(Self.number(node)).1".utf8)
      default: throw .noAttribute
      }
    }
  }

  func setExtendedAttribute(
    _ name: String, of node: any Node, to value: [UInt8], as identity: Identity
  ) async throws(AFSError) {
    guard name == "afs.acl" else { throw .notPermitted }
    state.withLock { $0.inodes[Self.number(node)]?.acl = value }
  }

  // MARK: Contents

  func cachedOpen(_ node: any Node, access: OpenAccess, as identity: Identity) -> Result<any OpenFile, AFSError>? {
    guard behaviour.answersFromCache else { return nil }
    do throws(AFSError) { return .success(try opened(node, access)) } catch { return .failure(error) }
  }

  func open(_ node: any Node, access: OpenAccess, as identity: Identity) async throws(AFSError) -> any OpenFile {
    try opened(node, access)
  }

  private func opened(_ node: any Node, _ access: OpenAccess) throws(AFSError) -> any OpenFile {
    try locked { (state) throws(AFSError) -> Void in
      state.counts.opens += 1
      if let failure = state.behaviour.failure { throw failure }
      if access.truncates { state.inodes[Self.number(node)]?.bytes = [] }
    }
    return MemoryFile(node, self)
  }

  func openDirectory(_ node: any Node, as identity: Identity) async throws(AFSError) -> any OpenDirectory {
    try locked { (state) throws(AFSError) -> MemoryDirectory in
      state.counts.openDirectories += 1
      guard let inode = state.inodes[Self.number(node)] else { throw .stale }
      return MemoryDirectory(self, node, inode, isPrepared: !state.behaviour.preparesEntries)
    }
  }

  // MARK: Life

  func forget(_ node: any Node) { state.withLock { $0.counts.forgotten += 1 } }
  func setInvalidationSink(_ sink: any InvalidationSink) { state.withLock { $0.sink = sink } }
  func shutDown() async throws(AFSError) { state.withLock { $0.isShutDown = true } }
}
