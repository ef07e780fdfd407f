import Synchronization

/// The mounts in use, so that equal mount points reached from equal places are one mount.
package final class MountTable: Sendable {
  private struct Place: Hashable {
    var parent: UInt32
    var point: FileKey
  }

  private struct WeakMount {
    weak var mount: Mount?
  }

  private struct State {
    var mounts: [Place: WeakMount] = [:]
    var nextNumber: UInt32 = 1
    /// Entries of mounts which are gone are dropped when the table has grown to this.
    var countAtNextPurge = 1024
  }

  private let state = Mutex(State())

  package init() {}

  package var count: Int { state.withLock { $0.mounts.count } }

  /// The mount behind mount point `point` as seen from `parent`, made when there is none.
  package func mount(at point: FileKey, in parent: Mount) -> Mount {
    state.withLock { state in
      let place = Place(parent: parent.number, point: point)
      if let mount = state.mounts[place]?.mount { return mount }
      if state.mounts.count >= state.countAtNextPurge {
        state.mounts = state.mounts.filter { $0.value.mount != nil }
        state.countAtNextPurge = max(1024, state.mounts.count * 2)
      }
      let mount = Mount(number: state.nextNumber, parent: parent, point: point)
      // After 4 billion mounts numbers start anew; 0 stays the root's.
      state.nextNumber = state.nextNumber == .max ? 1 : state.nextNumber + 1
      state.mounts[place] = WeakMount(mount: mount)
      return mount
    }
  }
}
