import AFSBase
public import AFSTypes
import Synchronization

extension MockCell {
  /// Makes a read-write volume.
  /// - Parameters:
  ///   - quota: KiB; 0 for none.
  ///   - isOpen: its root is open to system:anyuser with all rights; otherwise only administrators have any.
  @discardableResult
  public func makeVolume(_ name: String, server: Int, quota: UInt64 = 0, isOpen: Bool = true) -> VolumeID {
    let now = wallTime
    return state.withLock { state in
      let id = state.takeVolumeID()
      let rights: AccessRights = [.read, .write, .insert, .lookup, .delete, .lock, .administer]
      let list = isOpen ? AccessList.open : AccessList(positive: [AccessList.administrators: rights])
      var volume = StoredVolume(id: id, name: name, accessList: list, now: now)
      volume.quota = quota
      state.servers[server].volumes[id] = volume
      state.locations.append(.init(name: name, readWrite: id, readWriteServer: server))
      return id
    }
  }

  /// Copies the volume to read-only sites, as `vos release` does. Clients with the old copy are told by a break of the
  /// whole volume.
  /// - Parameter breaksCallbacks: false loses those breaks, as a network may.
  /// - Returns: the read-only volume's id; nil when there is no such volume.
  @discardableResult
  public func release(_ name: String, to servers: [Int], breaksCallbacks: Bool = true) async -> VolumeID? {
    let id: VolumeID? = state.withLock { state in
      guard let index = state.locations.firstIndex(where: { $0.name == name }),
        let source = state.servers[state.locations[index].readWriteServer].volumes[state.locations[index].readWrite]
      else { return nil }
      let id = state.locations[index].readOnly ?? state.takeVolumeID()
      var copy = source.clone(id: id, name: name + ".readonly", kind: .readOnly)
      state.releases += 1
      copy.creationDate = state.releases
      for server in servers { state.servers[server].volumes[id] = copy }
      state.locations[index].readOnly = id
      state.locations[index].readOnlyServers = servers
      return id
    }
    if let id, breaksCallbacks {
      for server in servers { await breakVolume(id, server: server) }
    }
    return id
  }

  /// Moves a read-write volume; clients of the old server get VMOVED and ask the location service again. The old
  /// server breaks its promises for the volume, as it does when a volume leaves it.
  public func move(_ id: VolumeID, to target: Int) async {
    let source = state.withLock { state -> Int? in
      guard let index = state.locations.firstIndex(where: { $0.readWrite == id }) else { return nil }
      let source = state.locations[index].readWriteServer
      state.servers[target].volumes[id] = state.servers[source].volumes.removeValue(forKey: id)
      state.locations[index].readWriteServer = target
      return source
    }
    if let source { await breakVolume(id, server: source) }
  }

  /// All locks of a volume are gone, as after a salvage or a move.
  public func forgetLocks(volume id: VolumeID) {
    changeVolume(id) { volume throws(StorageError) in
      for number in volume.vnodes.keys { volume.vnodes[number]?.lockCount = 0 }
    }
  }

  public func setQuota(_ quota: UInt64, volume id: VolumeID) {
    state.withLock { state in
      for server in state.servers.indices { state.servers[server].volumes[id]?.quota = quota }
    }
  }

  /// Adds a user or group with an id of one's choice.
  public func addUser(_ name: String, id: Int32) {
    state.withLock { $0.users[name] = id }
  }

  /// Makes a user a member of a group.
  public func addMember(_ user: Int32, toGroup group: Int32) {
    state.withLock { _ = $0.groups[user, default: []].insert(group) }
  }

  /// The rights of one user or group on a directory of a volume.
  public func setRights(_ rights: AccessRights, of id: Int32, on fid: FID) {
    changeVolume(fid.volume) { volume throws(StorageError) in
      try volume.update(fid) { vnode in
        guard case .directory(var directory) = vnode.contents else { return }
        directory.accessList.positive[id] = rights
        vnode.contents = .directory(directory)
      }
    }
  }

  /// The root directory of a read-write volume; nil when there is no such volume.
  public func root(ofVolume name: String) -> FID? {
    state.withLock { state in state.locations.first { $0.name == name }.map { .root(of: $0.readWrite) } }
  }

  // MARK: Content, put there by the server itself

  /// Makes a directory at the server, without callbacks.
  @discardableResult
  public func makeDirectory(_ name: String, in parent: FID) -> FID? {
    let now = wallTime
    return changeVolume(parent.volume) { volume throws(StorageError) in
      let (_, directory) = try volume.directory(parent)
      let new = StoredDirectory(accessList: directory.accessList)
      return try volume.create(
        Array(name.utf8), in: parent, .directory(new), permissions: 0o755, owner: 0, now: now)
    }
  }

  @discardableResult
  public func makeFile(
    _ name: [UInt8], in parent: FID, _ bytes: [UInt8], permissions: UInt16 = 0o644
  ) -> FID? {
    let now = wallTime
    return changeVolume(parent.volume) { volume throws(StorageError) in
      let fid = try volume.create(name, in: parent, .file(FilePages()), permissions: permissions, owner: 0, now: now)
      try volume.store(bytes, at: 0, length: UInt64(bytes.count), in: fid, now: now)
      return fid
    }
  }

  @discardableResult
  public func makeSymbolicLink(_ name: [UInt8], in parent: FID, target: [UInt8], permissions: UInt16 = 0o755) -> FID? {
    let now = wallTime
    return changeVolume(parent.volume) { volume throws(StorageError) in
      try volume.create(
        name, in: parent, .symbolicLink(target), permissions: permissions, owner: 0, now: now)
    }
  }

  /// A mount point is a symbolic link with mode 0644 (OpenAFS src/afs/afs.h, mvstat; vnode mode bits without 0111)
  /// whose target reads `#volume.` or `%cell:volume.`.
  @discardableResult
  public func makeMountPoint(_ name: String, in parent: FID, target: String) -> FID? {
    makeSymbolicLink(Array(name.utf8), in: parent, target: Array(target.utf8), permissions: 0o644)
  }

  /// A file's bytes as the server has them.
  public func contents(of fid: FID) -> [UInt8]? {
    state.withLock { state in
      state.servers.lazy.compactMap { $0.volumes[fid.volume] }.first.flatMap { volume in
        (try? volume.vnode(fid))?.data(at: 0, count: .max)
      }
    }
  }

  /// The mode bits of a file as the server has them.
  public func permissions(of fid: FID) -> UInt16? {
    state.withLock { state in
      state.servers.lazy.compactMap { $0.volumes[fid.volume] }.first.flatMap { try? $0.vnode(fid).permissions }
    }
  }

  /// The file that a path of names means; nil when there is none.
  public func find(_ path: [String], in volume: VolumeID) -> FID? {
    state.withLock { state in
      guard let stored = state.servers.lazy.compactMap({ $0.volumes[volume] }).first else { return nil }
      var fid = FID.root(of: volume)
      for name in path {
        guard let (_, directory) = try? stored.directory(fid), let entry = directory.lookup(Array(name.utf8)) else {
          return nil
        }
        fid = FID(volume: volume, vnode: entry.vnode, unique: entry.unique)
      }
      return fid
    }
  }

  /// The names in a directory, sorted, without `.` and `..`; nil when it is none.
  public func names(in fid: FID) -> [[UInt8]]? {
    state.withLock { state in
      guard let volume = state.servers.lazy.compactMap({ $0.volumes[fid.volume] }).first,
        let (_, directory) = try? volume.directory(fid)
      else { return nil }
      return directory.sortedNames
    }
  }

  /// Replaces a file's bytes as another client would, callbacks included.
  public func overwrite(_ fid: FID, with bytes: [UInt8]) async {
    let now = wallTime
    changeVolume(fid.volume) { volume throws(StorageError) in
      try volume.store(bytes, at: 0, length: UInt64(bytes.count), in: fid, now: now)
    }
    await breakCallbacks([fid])
  }

  @discardableResult
  func changeVolume<Result>(
    _ id: VolumeID, _ change: (inout StoredVolume) throws(StorageError) -> Result
  ) -> Result? {
    state.withLock { state in
      for server in state.servers.indices {
        guard var volume = state.servers[server].volumes[id] else { continue }
        guard let result = try? change(&volume) else { return nil }
        state.servers[server].volumes[id] = volume
        return result
      }
      return nil
    }
  }
}
