import AFSBase
import AFSCredentials
import AFSTypes

/// An open directory of a volume: the names at the time of opening.
final class AFSOpenDirectory: OpenDirectory {
  private let fileSystem: AFSFileSystem
  private let place: Place
  private let identity: Identity
  /// Without `.` and `..`.
  private let entries: [DirectoryObject.Entry]
  private let ownFileID: UInt64
  private let parentFileID: UInt64
  private let entryValidity: Duration
  let keepsKernelListing: Bool

  init(
    fileSystem: AFSFileSystem, node: AFSNode, place: Place, _ current: ClientContext.CurrentDirectory,
    as identity: Identity
  ) {
    self.fileSystem = fileSystem
    self.place = place
    self.identity = identity
    entries = current.directory.contents.entries.filter { entry in
      entry.name != AFSFileSystem.dot && entry.name != AFSFileSystem.dotDot
    }
    ownFileID = fileSystem.fileID(of: node)
    parentFileID = fileSystem.parentFileID(of: place, current)
    entryValidity = fileSystem.validity(current.remaining, of: current.status)
    keepsKernelListing = place.vnode.listed(current.directory.dataVersion, isPromised: current.remaining != nil)
  }

  private func fid(_ entry: DirectoryObject.Entry) -> FID {
    FID(volume: place.vnode.fid.volume, vnode: entry.vnode, unique: entry.unique)
  }

  func item(at index: Int) -> DirectoryItem? {
    switch index {
    case 0: return DirectoryItem(name: AFSFileSystem.dot, fileID: ownFileID, kind: .directory)
    case 1: return DirectoryItem(name: AFSFileSystem.dotDot, fileID: parentFileID, kind: .directory)
    default:
      guard entries.indices.contains(index - 2) else { return nil }
      let entry = entries[index - 2]
      let fid = fid(entry)
      // Odd vnode numbers are directories; an even one may be a file, a symbolic link or a mount point.
      return DirectoryItem(
        name: entry.name, fileID: place.vnode.volume.cell.fileIDs.fileID(of: fid),
        kind: fid.vnode & 1 == 1 ? .directory : nil)
    }
  }

  func entry(at index: Int) -> NodeEntry? {
    guard entries.indices.contains(index - 2) else { return nil }
    let key = FileKey(cell: place.vnode.key.cell, fid: fid(entries[index - 2]))
    guard let vnode = fileSystem.context.vnodes.vnode(for: key),
      let current = fileSystem.context.cachedStatus(of: vnode, as: identity)
    else { return nil }
    return fileSystem.entry(for: vnode, current, in: place, entryValidity: entryValidity)
  }

  func prepareEntries(from index: Int, count: Int) async throws(AFSError) {
    let start = max(0, index - 2)
    let end = min(entries.count, index - 2 + count)
    guard start < end else { return }
    var batch: [Vnode] = []
    for entry in entries[start..<end] {
      let vnode = fileSystem.context.vnodes.vnode(for: fid(entry), in: place.vnode.volume)
      if fileSystem.context.cachedStatus(of: vnode, as: identity) != nil { continue }
      batch.append(vnode)
      if batch.count == RXAFSLimits.callbacksPerCall {
        try await fileSystem.context.fetchStatuses(of: batch, as: identity)
        batch.removeAll()
      }
    }
    try await fileSystem.context.fetchStatuses(of: batch, as: identity)
  }
}

/// The dynamic root, opened.
final class DynamicRootDirectory: OpenDirectory {
  private let entries: [(name: String, entry: NodeEntry?)]

  init(fileSystem: AFSFileSystem) {
    entries = fileSystem.dynamicRootEntries()
  }

  /// The list of configured cells does not change while the client runs.
  var keepsKernelListing: Bool { true }

  func item(at index: Int) -> DirectoryItem? {
    switch index {
    case 0, 1:
      return DirectoryItem(
        name: index == 0 ? AFSFileSystem.dot : AFSFileSystem.dotDot,
        fileID: DynamicRoot.fileID(of: DynamicRoot.rootKey), kind: .directory)
    default:
      guard entries.indices.contains(index - 2) else { return nil }
      let (name, entry) = entries[index - 2]
      return entry.map {
        DirectoryItem(name: Array(name.utf8), fileID: $0.attributes.fileID, kind: $0.attributes.kind)
      }
    }
  }

  func entry(at index: Int) -> NodeEntry? {
    entries.indices.contains(index - 2) ? entries[index - 2].entry : nil
  }

  func prepareEntries(from index: Int, count: Int) async throws(AFSError) {}
}

extension AFSFileSystem {
  /// The inode number that a directory's node has.
  func fileID(of node: AFSNode) -> UInt64 {
    switch node.role {
    case .vnode(let vnode), .mountPoint(let vnode, _): vnode.fileID
    case .madeUpMountPoint, .dynamicRoot, .madeUpLink: DynamicRoot.fileID(of: node.key.file)
    }
  }

  /// The inode number of a directory's parent, as far as it is known without asking; tools compare it rarely, and
  /// the kernel never.
  func parentFileID(of place: Place, _ current: ClientContext.CurrentDirectory) -> UInt64 {
    if place.vnode === place.mount.target?.root {
      guard let outer = place.mount.parent?.target,
        let point = context.vnodes.vnode(for: place.mount.point)?.lastStatus
      else { return DynamicRoot.fileID(of: DynamicRoot.rootKey) }
      return fileID(
        of: FID(volume: outer.root.fid.volume, vnode: point.parentVnode, unique: point.parentUnique),
        in: outer.root.volume, under: place.mount.parent)
    }
    guard let parent = find(Self.dotDot, in: current.directory, of: place.vnode) else { return place.vnode.fileID }
    return fileID(of: parent, in: place.vnode.volume, under: place.mount)
  }

  /// The number of a directory: a volume's root directory has its mount point's.
  private func fileID(of fid: FID, in volume: Volume, under mount: Mount?) -> UInt64 {
    guard fid == .root(of: volume.id), let mount else { return volume.cell.fileIDs.fileID(of: fid) }
    if mount.point.cell == 0 { return DynamicRoot.fileID(of: mount.point) }
    return mount.parent?.target?.root.volume.cell.fileIDs.fileID(of: mount.point.fid)
      ?? volume.cell.fileIDs.fileID(of: fid)
  }
}

extension Vnode {
  /// A listing of this version goes to the kernel now.
  /// - Returns: whether its cached listing, if it has one, is of the same version.
  fileprivate func listed(_ version: DataVersion, isPromised: Bool) -> Bool {
    withState { state in
      defer { state.listedVersion = isPromised ? version : nil }
      return state.listedVersion == version
    }
  }
}
