import AFSBase
import AFSTypes

/// A volume of the mock cell: vnodes in memory and the rules by which a fileserver changes them.
///
/// Time and identity are parameters; callbacks and access lists are the services' business.
struct StoredVolume: Sendable {
  enum Kind: Sendable, Hashable {
    case readWrite
    case readOnly
    case backup
  }

  var id: VolumeID
  var name: String
  var kind: Kind
  /// The read-write volume that this one is a copy of; itself for a read-write volume.
  var parent: VolumeID
  /// KiB; 0 for none.
  var quota: UInt64 = 0
  var vnodes: [UInt64: StoredVnode] = [:]
  /// When this copy was made, in the clock of AFSVolSync; grows with each release.
  var creationDate: UInt32 = 1
  var offlineMessage = ""
  var messageOfTheDay = ""
  /// Sum of the vnodes' blocks, KiB.
  private(set) var blocksUsed: UInt64 = 0
  private var nextFileVnode: UInt64 = 2
  private var nextDirectoryVnode: UInt64 = 3
  private var nextUnique: UInt32 = 2

  init(id: VolumeID, name: String, kind: Kind = .readWrite, accessList: AccessList, now: WallTime) {
    self.id = id
    self.name = name
    self.kind = kind
    parent = id
    var root = StoredDirectory(accessList: accessList)
    root.begin(own: (1, 1), parent: (1, 1))
    vnodes[1] = StoredVnode(
      contents: .directory(root), unique: 1, linkCount: 2, permissions: 0o755, clientModified: now,
      serverModified: now, parentVnode: 0, parentUnique: 0)
    blocksUsed = 2
  }

  /// A copy as `vos release` or `vos backup` makes it.
  func clone(id: VolumeID, name: String, kind: Kind) -> StoredVolume {
    var copy = self
    copy.id = id
    copy.name = name
    copy.kind = kind
    copy.parent = self.id
    return copy
  }

  // MARK: Access

  func vnode(_ fid: FID) throws(StorageError) -> StoredVnode {
    guard let vnode = vnodes[fid.vnode], vnode.unique == fid.unique else { throw .noSuchVnode }
    return vnode
  }

  func directory(_ fid: FID) throws(StorageError) -> (StoredVnode, StoredDirectory) {
    let vnode = try vnode(fid)
    guard case .directory(let directory) = vnode.contents else { throw .notDirectory }
    return (vnode, directory)
  }

  /// The access list that counts for `fid`: a directory's own, a file's directory's.
  func accessList(for fid: FID) throws(StorageError) -> AccessList {
    let vnode = try vnode(fid)
    if case .directory(let directory) = vnode.contents { return directory.accessList }
    guard let parent = vnodes[vnode.parentVnode], case .directory(let directory) = parent.contents else {
      return AccessList()
    }
    return directory.accessList
  }

  func fid(_ vnode: UInt64) -> FID {
    FID(volume: id, vnode: vnode, unique: vnodes[vnode]?.unique ?? 0)
  }

  // MARK: Changes

  /// Makes a file, a directory or a symbolic link named `name`.
  mutating func create(
    _ name: [UInt8], in parent: FID, _ contents: StoredVnode.Contents, permissions: UInt16, owner: UInt32,
    now: WallTime
  ) throws(StorageError) -> FID {
    var (directoryVnode, directory) = try changeable(parent)
    guard directory.lookup(name) == nil else { throw .exists }
    try reserve(1)
    let isDirectory = if case .directory = contents { true } else { false }
    let number = isDirectory ? nextDirectoryVnode : nextFileVnode
    let unique = nextUnique
    var made = StoredVnode(
      contents: contents, unique: unique, linkCount: isDirectory ? 2 : 1, permissions: permissions, owner: owner,
      author: owner, clientModified: now, serverModified: now, parentVnode: parent.vnode,
      parentUnique: parent.unique)
    if case .directory(var new) = contents {
      new.begin(own: (number, unique), parent: (parent.vnode, parent.unique))
      made.contents = .directory(new)
      directoryVnode.linkCount += 1
    }
    if case .file = contents { made.dataVersion = DataVersion(0) }
    try directory.insert(name, vnode: number, unique: unique)
    if isDirectory { nextDirectoryVnode += 2 } else { nextFileVnode += 2 }
    nextUnique += 1
    vnodes[number] = made
    blocksUsed += made.blocks
    put(directory, in: directoryVnode, at: parent, now: now)
    return FID(volume: id, vnode: number, unique: unique)
  }

  /// Gives a file of the same directory a second name.
  mutating func link(_ name: [UInt8], in parent: FID, to fid: FID, now: WallTime) throws(StorageError) {
    var (directoryVnode, directory) = try changeable(parent)
    var file = try vnode(fid)
    if case .directory = file.contents { throw .isDirectory }
    guard file.parentVnode == parent.vnode else { throw .crossDevice }
    guard directory.lookup(name) == nil else { throw .exists }
    try directory.insert(name, vnode: fid.vnode, unique: fid.unique)
    file.linkCount += 1
    file.serverModified = now
    vnodes[fid.vnode] = file
    directoryVnode.serverModified = now
    put(directory, in: directoryVnode, at: parent, now: now)
  }

  /// Takes a name away; the file with it when it was its last.
  /// - Returns: the file that the name meant.
  mutating func removeFile(_ name: [UInt8], from parent: FID, now: WallTime) throws(StorageError) -> FID {
    var (directoryVnode, directory) = try changeable(parent)
    guard let entry = directory.lookup(name) else { throw .notFound }
    guard let file = vnodes[entry.vnode] else { throw .noSuchVnode }
    if case .directory = file.contents { throw .isDirectory }
    directory.remove(name)
    directoryVnode.serverModified = now
    put(directory, in: directoryVnode, at: parent, now: now)
    unlink(entry.vnode, now: now)
    return FID(volume: id, vnode: entry.vnode, unique: entry.unique)
  }

  mutating func removeDirectory(_ name: [UInt8], from parent: FID, now: WallTime) throws(StorageError) -> FID {
    var (directoryVnode, directory) = try changeable(parent)
    guard let entry = directory.lookup(name) else { throw .notFound }
    guard let victim = vnodes[entry.vnode] else { throw .noSuchVnode }
    guard case .directory(let inside) = victim.contents else { throw .notDirectory }
    guard inside.isEmpty else { throw .notEmpty }
    directory.remove(name)
    directoryVnode.linkCount -= 1
    put(directory, in: directoryVnode, at: parent, now: now)
    blocksUsed -= min(blocksUsed, victim.blocks)
    vnodes[entry.vnode] = nil
    return FID(volume: id, vnode: entry.vnode, unique: entry.unique)
  }

  /// - Parameter length: a longer file is cut to it before the bytes are written. It makes no file longer: only bytes
  ///   do, and `offset` when there are none (OpenAFS src/viced/afsfileprocs.c, StoreData_RXStyle).
  mutating func store(
    _ bytes: [UInt8], at offset: UInt64, length: UInt64, in fid: FID, now: WallTime
  ) throws(StorageError) {
    try requireWritable()
    var file = try vnode(fid)
    guard case .file(var pages) = file.contents else { throw .isDirectory }
    let before = file.blocks
    let kept = min(length, pages.length)
    let newLength = max(kept, offset + UInt64(bytes.count))
    let grown = (newLength + 1023) / 1024
    if grown > before { try reserve(grown - before) }
    pages.truncate(to: kept)
    if bytes.isEmpty { pages.truncate(to: newLength) } else { pages.write(bytes, at: offset) }
    file.contents = .file(pages)
    file.dataVersion.rawValue += 1
    file.serverModified = now
    vnodes[fid.vnode] = file
    blocksUsed = blocksUsed - min(blocksUsed, before) + file.blocks
  }

  mutating func update(_ fid: FID, _ change: (inout StoredVnode) -> Void) throws(StorageError) {
    try requireWritable()
    var vnode = try vnode(fid)
    change(&vnode)
    vnodes[fid.vnode] = vnode
  }

  // MARK: Parts of changes

  func requireWritable() throws(StorageError) {
    guard kind == .readWrite else { throw .readOnly }
  }

  func changeable(_ fid: FID) throws(StorageError) -> (StoredVnode, StoredDirectory) {
    try requireWritable()
    return try directory(fid)
  }

  /// Writes a changed directory back; its data version grows.
  mutating func put(_ directory: StoredDirectory, in vnode: StoredVnode, at fid: FID, now: WallTime) {
    var vnode = vnode
    let before = vnode.blocks
    vnode.contents = .directory(directory)
    vnode.dataVersion.rawValue += 1
    vnode.serverModified = now
    vnode.clientModified = now
    vnodes[fid.vnode] = vnode
    blocksUsed = blocksUsed - min(blocksUsed, before) + vnode.blocks
  }

  mutating func unlink(_ number: UInt64, now: WallTime) {
    guard var file = vnodes[number] else { return }
    file.linkCount -= 1
    file.serverModified = now
    if file.linkCount == 0 {
      blocksUsed -= min(blocksUsed, file.blocks)
      vnodes[number] = nil
    } else {
      vnodes[number] = file
    }
  }

  private func reserve(_ blocks: UInt64) throws(StorageError) {
    if quota != 0, blocksUsed + blocks > quota { throw .overQuota }
  }
}
