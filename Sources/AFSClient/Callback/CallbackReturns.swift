package import AFSTypes
import Synchronization

/// Callbacks that we no longer need, collected to be given up in bulk (GiveUpCallBacks takes 50 at a time).
///
/// Giving up is a courtesy: a server that never hears of it breaks a callback which nobody has, so that what
/// exceeds the bound is forgotten.
package final class CallbackReturns: Sendable {
  private struct State {
    var fids: [ObjectIdentifier: (server: Fileserver, fids: [FID])] = [:]
    var count = 0
  }

  private let state = Mutex(State())
  private static let countMax = 20_000

  package init() {}

  package func giveUp(_ vnode: Vnode) {
    // The promise of a read-only volume's file is the volume's: others live by it.
    guard !vnode.volume.isReadOnly else { return }
    let promise = vnode.withState { state -> CallbackPromise? in
      defer { state.promiseGivenUp() }
      return state.promise
    }
    guard let promise, promise.server.callbackBreaks == promise.serverBreaks else { return }
    state.withLock { state in
      guard state.count < Self.countMax else { return }
      state.fids[ObjectIdentifier(promise.server), default: (promise.server, [])].fids.append(vnode.fid)
      state.count += 1
    }
  }

  /// A server's callbacks to give up; nil when there are none.
  package func nextBatch() -> (server: Fileserver, fids: [FID])? {
    state.withLock { state in
      guard let (id, entry) = state.fids.first else { return nil }
      let batch = Array(entry.fids.prefix(RXAFSLimits.callbacksPerCall))
      let rest = Array(entry.fids.dropFirst(batch.count))
      state.fids[id] = rest.isEmpty ? nil : (entry.server, rest)
      state.count -= batch.count
      return (entry.server, batch)
    }
  }

  package var count: Int { state.withLock { $0.count } }
}

/// Bounds of the fileserver interface (OpenAFS src/fsint/common.xg).
package enum RXAFSLimits {
  /// AFSCBMAX: FIDs in one call.
  package static let callbacksPerCall = 50
  /// AFSNAMEMAX: the protocol's 256 include the terminating NUL of C.
  package static let nameLengthMax = 255
  /// AFSPATHMAX of the protocol, with its terminating NUL.
  package static let linkTextMax = 1023
  /// AFSOPAQUEMAX of the protocol, with the terminating NUL that servers ask for.
  package static let accessListMax = 1023
}
