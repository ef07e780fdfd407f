package import AFSBase
package import AFSRPC
import AFSTypes
package import RxCore

/// One try of an operation at one address of one fileserver.
package struct ServerAttempt: Sendable {
  package let server: Fileserver
  package let client: RXAFSClient
  /// Just before the call: promises count from here.
  package let started: MonotonicTime

  package init(server: Fileserver, client: RXAFSClient, started: MonotonicTime) {
    self.server = server
    self.client = client
    self.started = started
  }

  package var security: RxClientSecurityReference { client.target.security }

  /// What a call told of `vnode`, in the client's terms.
  /// - Parameter before: taken with `vnode.snapshot(for: server)` before the call.
  package func reply(
    _ status: AFSFetchStatus, _ callBack: AFSCallBack?, before: BreakSnapshot
  ) throws(RxCallError) -> VnodeState.Reply {
    do {
      return VnodeState.Reply(
        status: try FileStatus(status), promise: callBack.flatMap { promise($0, before: before) }, before: before,
        server: server, security: security)
    } catch {
      throw .malformedReply("\(error)")
    }
  }

  /// The promise in a reply; nil when the server made none.
  ///
  /// `expirationTime` is in seconds from the call on; longer than a day is no promise that a fileserver makes
  /// (OpenAFS src/viced/callback.c: 4 hours at most), so that very large values are old servers' time stamps.
  package func promise(_ callBack: AFSCallBack, before: BreakSnapshot) -> CallbackPromise? {
    guard callBack.expirationTime > 0, callBack.callBackType != AFSCallBackType.dropped.rawValue else { return nil }
    let duration = Duration.seconds(min(Int64(callBack.expirationTime), 86_400))
    return CallbackPromise(
      server: server, serverBreaks: before.serverBreaks, volumeBreaks: before.volumeBreaks,
      expires: started + duration)
  }
}
