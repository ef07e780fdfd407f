package import AFSBase
package import AFSTypes
import RxCore
import Synchronization

/// A file, directory or symbolic link of a volume, with what is known of it.
///
/// `state` is for short looks and changes; `operationLock` is held across calls which change the vnode or load
/// it; `lookupLock` across bulk status calls for the entries of a directory. Lock order: see `VnodeTable`.
package final class Vnode: Sendable {
  package let key: FileKey
  package let volume: Volume
  /// First come, first served; held across calls.
  package let operationLock = AsyncLock()
  package let lookupLock = AsyncLock()
  private let state = Mutex(VnodeState())

  package init(key: FileKey, volume: Volume) {
    self.key = key
    self.volume = volume
  }

  package var fid: FID { key.fid }
  package var fileID: UInt64 { volume.cell.fileIDs.fileID(of: key.fid) }

  package func withState<R>(_ body: (inout VnodeState) -> R) -> R {
    state.withLock { body(&$0) }
  }

  /// The status, when a promise stands behind it.
  package func trustedStatus(now: MonotonicTime) -> (status: FileStatus, remaining: Duration)? {
    state.withLock { state in
      guard let status = state.status, let remaining = state.promise?.remaining(in: volume, now: now) else {
        return nil
      }
      return (status, remaining)
    }
  }

  package var lastStatus: FileStatus? { state.withLock { $0.status } }

  // MARK: Before and after calls

  package func snapshot(for server: Fileserver) -> BreakSnapshot {
    let volumeBreaks = volume.callbackBreaks
    let serverBreaks = server.callbackBreaks
    return state.withLock { $0.snapshot(volumeBreaks: volumeBreaks, serverBreaks: serverBreaks) }
  }

  /// Takes a status that was fetched.
  @discardableResult
  package func fetched(_ reply: VnodeState.Reply) -> VnodeState.OnFetched {
    let (volumeBreaks, serverBreaks) = (volume.callbackBreaks, reply.server.callbackBreaks)
    let (outcome, contents) = state.withLock { state in
      (state.fetched(reply, volumeBreaks: volumeBreaks, serverBreaks: serverBreaks), state.contents)
    }
    if outcome == .trusted, let promise = reply.promise {
      volume.promised(by: reply.server, until: promise.expires)
    }
    // Also without a promise: the read that asked must not be answered with older data.
    if outcome != .crossed { contents?.learned(reply.status) }
    return outcome
  }

  package func changeBegins() {
    state.withLock { $0.changeBegins() }
  }

  package func changeEnded(_ reply: VnodeState.Reply) -> Bool {
    let (volumeBreaks, serverBreaks) = (volume.callbackBreaks, reply.server.callbackBreaks)
    return state.withLock { state in
      state.changeEnded(reply, volumeBreaks: volumeBreaks, serverBreaks: serverBreaks)
    }
  }

  package func changeFailed(unchanged: Bool) {
    state.withLock { $0.changeFailed(unchanged: unchanged) }
  }

  /// Whether dropping the vnode from memory loses nothing that can't be fetched again.
  var isIdle: Bool {
    state.withLock { state in
      state.openCount == 0 && state.unlinkedName == nil && state.changesInFlight == 0 && state.contentsAreIdle()
    }
  }
}
