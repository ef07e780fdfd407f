import Synchronization

/// The files which are locked here, or at their servers, or are about to be. Bounded by the open files of this host.
package final class LockedFiles: Sendable {
  private let files = Mutex<[FileKey: FileLocks]>([:])

  package init() {}

  package var count: Int { files.withLock { $0.count } }
  var all: [FileLocks] { files.withLock { Array($0.values) } }

  func add(_ locks: FileLocks) {
    files.withLock { $0[locks.vnode.key] = locks }
  }

  func remove(_ locks: FileLocks) {
    files.withLock { files in
      if files[locks.vnode.key] === locks { files[locks.vnode.key] = nil }
    }
  }
}
