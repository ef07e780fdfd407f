import AFSBase
import AFSCredentials
import AFSRPC
import AFSTypes
import RxCore

/// The server's calls for locks. None may be done twice: a lock has no owner there, and each SetLock counts.
extension ClientContext {
  func setLock(on vnode: Vnode, exclusive: Bool, as identity: Identity) async throws(AFSError) {
    let type = Int32(exclusive ? RXAFSConstants.lockWrite : RXAFSConstants.lockRead)
    _ = try await perform(on: vnode.volume, as: identity, repeatable: false) { attempt throws(RxCallError) in
      try await attempt.client.setLock(fid: AFSFid(vnode.fid), type: type)
    }
  }

  func extendLock(on vnode: Vnode, as identity: Identity) async throws(AFSError) {
    _ = try await perform(on: vnode.volume, as: identity) { attempt throws(RxCallError) in
      try await attempt.client.extendLock(fid: AFSFid(vnode.fid))
    }
  }

  func releaseLock(on vnode: Vnode, as identity: Identity) async throws(AFSError) {
    _ = try await perform(on: vnode.volume, as: identity, repeatable: false) { attempt throws(RxCallError) in
      try await attempt.client.releaseLock(fid: AFSFid(vnode.fid))
    }
  }

  /// The file's status as the server has it now, promise or not: locks that others take break no promise.
  func freshStatus(of vnode: Vnode, as identity: Identity) async throws(AFSError) -> FileStatus {
    try await vnode.operationLock.lock()
    defer { vnode.operationLock.release() }
    return try await fetchStatus(of: vnode, as: identity).status
  }
}
