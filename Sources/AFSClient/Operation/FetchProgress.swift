import AFSBase
import AFSTypes
import Synchronization

/// How far the fetch of a range has come over all its tries at servers, and whether what came may be continued.
///
/// FetchData tells the version of its data at its end only. When a server is lost in the middle, the version of what it
/// has sent is known only if it had promised to tell of changes: then it is that of the status which the promise stands
/// behind. Without such a promise the next server begins anew.
final class FetchProgress: Sendable {
  private struct State {
    var position: UInt64
    /// The version of the bytes before `position`; nil while nothing was taken from a try that broke off.
    var version: DataVersion?
    /// Where the running try is made, and what that server has promised the file to be.
    var server: Fileserver?
    var promised: DataVersion?
  }

  let vnode: Vnode
  let start: UInt64
  let end: UInt64
  private let state: Mutex<State>

  init(of vnode: Vnode, from start: UInt64, count: UInt64) {
    self.vnode = vnode
    self.start = start
    end = start + count
    state = Mutex(State(position: start))
  }

  var position: UInt64 { state.withLock { $0.position } }

  /// A try at `server` begins.
  /// - Returns: where.
  func begin(at server: Fileserver) -> UInt64 {
    let promised = version(promisedBy: server)
    return state.withLock { state in
      state.server = server
      state.promised = promised
      return state.position
    }
  }

  private func version(promisedBy server: Fileserver) -> DataVersion? {
    let (volumeBreaks, serverBreaks) = (vnode.volume.callbackBreaks, server.callbackBreaks)
    return vnode.withState { state in
      guard let promise = state.promise, promise.server === server, promise.volumeBreaks == volumeBreaks,
        promise.serverBreaks == serverBreaks
      else { return nil }
      return state.status?.dataVersion
    }
  }

  func received(upTo position: UInt64) {
    state.withLock { $0.position = position }
  }

  /// The try ended without the data's version.
  func brokenOff() {
    // A break which came meanwhile may be about what was just read.
    let promised = state.withLock { $0.server }.flatMap { version(promisedBy: $0) }
    state.withLock { state in
      guard state.position > start else { return }
      // A second part whose version is unknown, or another one, spoils the first.
      guard let promised, promised == state.promised, state.version ?? promised == promised else {
        state.position = start
        state.version = nil
        return
      }
      state.version = promised
    }
  }

  /// The last part is of `version`: so must be what came before.
  func accepts(_ version: DataVersion) -> Bool {
    state.withLock { $0.version ?? version == version }
  }

  func restart() {
    state.withLock { state in
      state.position = start
      state.version = nil
    }
  }
}
