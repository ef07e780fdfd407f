import AFSBase
import Synchronization

/// Bounds the memory that directory contents take: beyond it those which were used least recently are dropped from
/// their vnodes, and fetched again when somebody looks.
package final class DirectoryMemory: Sendable {
  private struct Held {
    weak var vnode: Vnode?
    var byteCount: Int
  }

  private struct State {
    var held = RecencyMap<FileKey, Held>()
    var byteCount = 0
  }

  private let state = Mutex(State())
  private let byteCountMax: Int

  package init(byteCountMax: Int) {
    self.byteCountMax = byteCountMax
  }

  package var byteCount: Int { state.withLock { $0.byteCount } }

  /// `vnode` has loaded contents of this size. Not to be called with the vnode's state locked.
  package func loaded(_ vnode: Vnode, byteCount: Int) {
    let dropped = state.withLock { state -> [Vnode] in
      let previous = state.held.insert(Held(vnode: vnode, byteCount: byteCount), for: vnode.key)
      state.byteCount += byteCount - (previous?.byteCount ?? 0)
      var dropped: [Vnode] = []
      while state.byteCount > byteCountMax, state.held.count > 1, let key = state.held.oldestKey,
        let oldest = state.held.remove(key)
      {
        state.byteCount -= oldest.byteCount
        if let vnode = oldest.vnode { dropped.append(vnode) }
      }
      return dropped
    }
    for vnode in dropped { vnode.withState { $0.directory = nil } }
  }

  package func used(_ vnode: Vnode) {
    state.withLock { _ = $0.held.use(vnode.key) }
  }
}
