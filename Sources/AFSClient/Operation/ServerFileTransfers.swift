package import AFSBase
package import AFSCredentials
import AFSRPC
import AFSTypes
import RxCore
import RxTransport

/// `FileTransfers` by FetchData64 and StoreData64.
package struct ServerFileTransfers: FileTransfers {
  let context: ClientContext

  package init(context: ClientContext) {
    self.context = context
  }

  package func fetch(
    _ file: FileKey, offset: UInt64, count: UInt64, as identity: Identity,
    write: @Sendable (UnsafeRawBufferPointer, UInt64) throws(AFSError) -> Void
  ) async throws(AFSError) -> (status: FileStatus, count: UInt64) {
    guard Int64(exactly: offset) != nil, Int64(exactly: count) != nil, offset <= UInt64(Int64.max) - count else {
      throw .fileTooLarge
    }
    let vnode = try await context.vnode(at: file)
    let progress = FetchProgress(of: vnode, from: offset, count: count)
    let outcome: Result<(VnodeState.Reply, UInt64), AFSError>
    do {
      outcome = try await context.perform(on: vnode.volume, as: identity, isBulk: true) {
        attempt throws(RxCallError) -> Result<(VnodeState.Reply, UInt64), AFSError> in
        try await fetch(progress, by: attempt, write)
      }
    } catch {
      context.noteFailure(error, of: vnode)
      throw error
    }
    let (reply, received) = try outcome.get()
    vnode.fetched(reply)
    return (reply.status, received)
  }

  /// One try at one server: from where the last one stopped, when that is known to be of the same version, or anew.
  private func fetch(
    _ progress: FetchProgress, by attempt: ServerAttempt,
    _ write: @Sendable (UnsafeRawBufferPointer, UInt64) throws(AFSError) -> Void
  ) async throws(RxCallError) -> Result<(VnodeState.Reply, UInt64), AFSError> {
    while true {
      let position = progress.begin(at: attempt.server)
      let before = progress.vnode.snapshot(for: attempt.server)
      let data: FetchedData
      do {
        data = try await attempt.fetchData(AFSFid(progress.vnode.fid), from: position, to: progress.end) {
          bytes, position throws(AFSError) in
          try write(bytes, position)
          progress.received(upTo: position + UInt64(bytes.count))
        }
      } catch {
        progress.brokenOff()
        throw error
      }
      switch data {
      case .stopped(let error): return .failure(error)
      case .complete(let status, let callBack, let sync):
        let reply = try attempt.reply(status, callBack, before: before)
        context.noteVolumeDate(sync, of: progress.vnode.volume)
        if progress.accepts(reply.status.dataVersion) {
          return .success((reply, progress.position - progress.start))
        }
        // The parts are of different versions: all of it is asked for again, at this server, which is up.
        progress.restart()
      }
    }
  }

  package func store(
    _ file: FileKey, offset: UInt64, count: UInt64, length: UInt64, modified: WallTime?, permissions: UInt16?,
    durable: Bool, as identity: Identity,
    read: @Sendable (UnsafeMutableRawBufferPointer, UInt64) throws(AFSError) -> Void
  ) async throws(AFSError) -> FileStatus {
    let vnode = try await context.vnode(at: file)
    guard !vnode.volume.isReadOnly else { throw .readOnly }
    var wanted = AFSStoreStatus(permissions: permissions, modified: modified ?? context.timer.wallTime)
    if durable { wanted.mask |= UInt32(RXAFSConstants.setFsync) }
    let storeStatus = wanted
    let fid = AFSFid(file.fid)
    let position = count == 0 ? length : offset
    vnode.changeBegins()
    do {
      let outcome = try await context.perform(on: vnode.volume, as: identity, storing: true, isBulk: count > 0) {
        attempt throws(RxCallError) -> Result<VnodeState.Reply, AFSError> in
        let before = vnode.snapshot(for: attempt.server)
        let stored = try await attempt.storeData(
          fid, storeStatus, at: position, count: count, fileLength: length
        ) { buffer, place throws(AFSError) in
          try read(buffer, place)
        }
        switch stored {
        case .stopped(let error): return .failure(error)
        case .complete(let status): return .success(try attempt.reply(status, nil, before: before))
        }
      }
      let reply = try outcome.get()
      _ = vnode.changeEnded(reply)
      return reply.status
    } catch {
      context.changeFailed(vnode, error)
      throw error
    }
  }

  package func commit(_ file: FileKey, as identity: Identity) async throws(AFSError) -> FileStatus {
    let vnode = try await context.vnode(at: file)
    let status = try await context.currentStatus(of: vnode, as: identity).status
    var wanted = AFSStoreStatus(modified: status.clientModified)
    wanted.mask |= UInt32(RXAFSConstants.setFsync)
    let storeStatus = wanted
    vnode.changeBegins()
    do {
      let reply = try await context.perform(on: vnode.volume, as: identity, storing: true) {
        attempt throws(RxCallError) -> VnodeState.Reply in
        let before = vnode.snapshot(for: attempt.server)
        return try attempt.reply(
          try await attempt.commitData(AFSFid(vnode.fid), storeStatus), nil, before: before)
      }
      _ = vnode.changeEnded(reply)
      return reply.status
    } catch {
      context.changeFailed(vnode, error)
      throw error
    }
  }
}
