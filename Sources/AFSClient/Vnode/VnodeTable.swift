import AFSBase
package import AFSTypes
import Synchronization

/// All vnodes in memory.
///
/// LOCK ORDER, from outer to inner. Asynchronous locks, held across calls: a file's `FileLocks.gate`,
/// `Vnode.lookupLock`, `Vnode.operationLock` (directories before files; two directories in the order of
/// `FileKey.precedes`), an identity's `CredentialTable.Entry.lock`, `Volume.locationLock`, `CellTable.resolveLock`,
/// `Cell.lookupLock`, `Fileserver.contactLock`. Mutexes, held for moments and never across a suspension: `VnodeTable`,
/// one `Vnode`'s state, its `FileContents`, and below these `UnstoredData`, or `DiskCache` and then a `CacheFile`
/// (contents are made and let go under the vnode's lock). Leaves, which take no other: `Volume`, `Fileserver`, `Cell`,
/// `CellTable`, `FileserverTable`, `MountTable`, `DirectoryMemory`, `CallbackReturns`, `FileLocks`, `LockedFiles`,
/// `CredentialTable`, `HiddenNames`. No lock is held while the invalidation sink is told.
///
/// Bounded by `countMax`: beyond it vnodes that no node, open file or operation refers to leave, least recently
/// looked up first, and their callbacks are given up in bulk. Vnodes in use are never dropped, so that the bound
/// can be exceeded by what the kernel itself holds.
package final class VnodeTable: Sendable {
  private struct State {
    var vnodes = RecencyMap<FileKey, Vnode>()
  }

  private let state = Mutex(State())
  private let countMax: Int
  private let returns: CallbackReturns

  package init(countMax: Int, returns: CallbackReturns) {
    self.countMax = countMax
    self.returns = returns
  }

  package var count: Int { state.withLock { $0.vnodes.count } }

  /// The vnode, if it is in memory.
  package func vnode(for key: FileKey) -> Vnode? {
    state.withLock { $0.vnodes.use(key) }
  }

  /// The vnode, made when it is not in memory.
  package func vnode(for fid: FID, in volume: Volume) -> Vnode {
    let key = FileKey(cell: volume.cell.number, fid: fid)
    let (vnode, evicted) = state.withLock { state -> (Vnode, [Vnode]) in
      if let vnode = state.vnodes.use(key) { return (vnode, []) }
      let vnode = Vnode(key: key, volume: volume)
      state.vnodes.insert(vnode, for: key)
      return (vnode, Self.evict(from: &state, downTo: countMax))
    }
    for vnode in evicted { returns.giveUp(vnode) }
    return vnode
  }

  /// Looks at a few of the oldest vnodes only: the next insertion goes on.
  private static func evict(from state: inout State, downTo countMax: Int) -> [Vnode] {
    var evicted: [Vnode] = []
    for _ in 0..<8 where state.vnodes.count > countMax {
      guard let key = state.vnodes.oldestKey else { break }
      let isUnreferenced =
        state.vnodes.withValue(key) { isKnownUniquelyReferenced(&$0) && $0.isIdle } ?? false
      if isUnreferenced, let vnode = state.vnodes.remove(key) {
        evicted.append(vnode)
      } else {
        _ = state.vnodes.use(key)
      }
    }
    return evicted
  }

  /// A vnode by its place in the table, for tools that list it; nil past the end.
  package func vnode(at index: Int) -> Vnode? {
    state.withLock { $0.vnodes.value(at: index) }
  }

  /// All vnodes for which `condition` holds.
  package func vnodes(where condition: (Vnode) -> Bool) -> [Vnode] {
    var found: [Vnode] = []
    state.withLock { state in
      state.vnodes.forEach { _, vnode in
        if condition(vnode) { found.append(vnode) }
      }
    }
    return found
  }
}

extension FileKey {
  /// A total order of files, for taking two locks.
  package static func precedes(_ a: FileKey, _ b: FileKey) -> Bool {
    (a.cell, a.fid.volume.rawValue, a.fid.vnode, a.fid.unique)
      < (b.cell, b.fid.volume.rawValue, b.fid.vnode, b.fid.unique)
  }
}
