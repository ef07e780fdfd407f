import AFSBase
package import AFSCredentials
package import AFSRPC
import AFSTypes
import RxCore

/// StoreStatus and volume statistics.
extension ClientContext {
  /// Changes attributes at the server.
  package func storeStatus(
    _ wanted: AFSStoreStatus, of vnode: Vnode, as identity: Identity
  ) async throws(AFSError) -> FileStatus {
    try await vnode.operationLock.lock()
    defer { vnode.operationLock.release() }
    let fid = AFSFid(vnode.fid)
    vnode.changeBegins()
    do {
      let reply = try await perform(on: vnode.volume, as: identity, changing: true) { attempt throws(RxCallError) in
        let before = vnode.snapshot(for: attempt.server)
        let results = try await attempt.client.storeStatus(fid: fid, storeStatus: wanted)
        return try attempt.reply(results.status, nil, before: before)
      }
      _ = vnode.changeEnded(reply)
      return reply.status
    } catch {
      changeFailed(vnode, error)
      throw error
    }
  }

  package func volumeStatus(
    of volume: Volume, as identity: Identity
  ) async throws(AFSError) -> RXAFS.GetVolumeStatus.Results {
    let id = Int32(truncatingIfNeeded: volume.id.rawValue)
    return try await perform(on: volume, as: identity) { attempt throws(RxCallError) in
      try await attempt.client.getVolumeStatus(volume: id)
    }
  }

  /// A directory's access list in the servers' textual form; a file's is that of its directory.
  package func accessList(of vnode: Vnode, as identity: Identity) async throws(AFSError) -> [UInt8] {
    let fid = AFSFid(vnode.fid)
    let text = try await perform(on: vnode.volume, as: identity) { attempt throws(RxCallError) in
      try await attempt.client.fetchACL(fid: fid).accessList
    }
    // On the wire a zero byte ends it.
    return Array(text.prefix { $0 != 0 })
  }

  /// The rights of everybody in the directory change with its access list: its files are asked for again as the
  /// server breaks their callbacks.
  ///
  /// Errors: `.invalidArgument` for what is no access list or names somebody unknown, `.notDirectory` for files.
  package func storeAccessList(
    _ text: [UInt8], of vnode: Vnode, as identity: Identity
  ) async throws(AFSError) {
    let fid = AFSFid(vnode.fid)
    // Servers take no list without a zero byte at its end (OpenAFS src/viced/afsfileprocs.c, check_acl).
    let list = Array(text.prefix { $0 != 0 })
    guard list.count <= RXAFSLimits.accessListMax else { throw .invalidArgument }
    try await vnode.operationLock.lock()
    defer { vnode.operationLock.release() }
    vnode.changeBegins()
    do {
      _ = try await perform(on: vnode.volume, as: identity, changing: true) { attempt throws(RxCallError) in
        try await Self.storeAccessList(list + [0], of: fid, by: attempt)
      }
      vnode.changeFailed(unchanged: false)
    } catch {
      changeFailed(vnode, error)
      throw error
    }
  }

  /// StoreACL; at a server which does not know it (OpenAFS 1.8 and earlier) the call that it replaces, as OpenAFS's client
  /// does (src/afs/afs_pioctl.c).
  private static func storeAccessList(
    _ list: [UInt8], of fid: AFSFid, by attempt: ServerAttempt
  ) async throws(RxCallError) {
    do {
      _ = try await attempt.client.storeACL(fid: fid, accessList: list)
    } catch .aborted(.rxgenOpcode) {
      _ = try await attempt.client.oldStoreACL(fid: fid, accessList: list)
    } catch {
      throw error
    }
  }
}
