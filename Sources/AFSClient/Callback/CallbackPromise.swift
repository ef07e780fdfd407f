package import AFSBase
import Synchronization

/// A fileserver's promise to tell us before what we know of a file becomes untrue.
///
/// It ends at `expires`, when the server breaks it, when the server announces that it forgot all promises
/// (InitCallBackState), or when the whole volume is broken. The last two are counters of the server and the
/// volume: the promise holds only while they are as they were before the call which brought it.
package struct CallbackPromise: Sendable {
  package let server: Fileserver
  package let serverBreaks: UInt64
  package let volumeBreaks: UInt64
  /// Counted from the time before the call was sent: the server counts from a later one.
  package let expires: MonotonicTime

  package init(server: Fileserver, serverBreaks: UInt64, volumeBreaks: UInt64, expires: MonotonicTime) {
    self.server = server
    self.serverBreaks = serverBreaks
    self.volumeBreaks = volumeBreaks
    self.expires = expires
  }

  /// How long the promise still holds; nil when it does not.
  package func remaining(in volume: Volume, now: MonotonicTime) -> Duration? {
    guard volume.callbackBreaks == volumeBreaks, server.callbackBreaks == serverBreaks else { return nil }
    let end = volume.isReadOnly ? max(expires, volume.promiseEnd(of: server)) : expires
    return end > now ? end - now : nil
  }
}

/// The counters which tell whether a callback break crossed a call: taken before it, compared after it.
package struct BreakSnapshot: Hashable, Sendable {
  package var vnodeBreaks: UInt64
  package var volumeBreaks: UInt64
  package var serverBreaks: UInt64
  /// Our own changes of the vnode, counted when they begin and when they end.
  package var changes: UInt64
}
