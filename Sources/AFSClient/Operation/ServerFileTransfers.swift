package import AFSBase
package import AFSCredentials
import AFSRPC
import AFSTypes
import RxCore
import RxTransport

/// `FileTransfers` by FetchData64 and StoreData64.
package struct ServerFileTransfers: FileTransfers {
  let context: ClientContext

  /// Bytes handed over at a time: large enough to make the hand-over cheap, small enough for many calls at once.
  private static let pieceSize = 256 << 10

  package init(context: ClientContext) {
    self.context = context
  }

  package func fetch(
    _ file: FileKey, offset: UInt64, count: UInt64, as identity: Identity,
    write: @Sendable (UnsafeRawBufferPointer, UInt64) throws(AFSError) -> Void
  ) async throws(AFSError) -> (status: FileStatus, count: UInt64) {
    guard let position = Int64(exactly: offset), let length = Int64(exactly: count) else { throw .fileTooLarge }
    let vnode = try await context.vnode(at: file)
    let fid = AFSFid(file.fid)
    let outcome: Result<(VnodeState.Reply, UInt64), AFSError>
    do {
      outcome = try await context.perform(on: vnode.volume, as: identity) {
        attempt throws(RxCallError) -> Result<(VnodeState.Reply, UInt64), AFSError> in
        let before = vnode.snapshot(for: attempt.server)
        let call = try await attempt.client.startFetchData64(fid: fid, position: position, length: length)
        guard call.length <= count else {
          call.abort(.rxgenClientUnmarshal)
          throw .malformedReply("FetchData64: \(call.length) bytes where \(count) were asked for")
        }
        let received = call.length
        switch try await Self.drain(call, to: offset, write) {
        case .complete: break
        case .stopped(let error): return .failure(error)
        case .brokenOff(let error): return .failure(error)
        }
        let results = try await call.finish()
        return .success((try attempt.reply(results.status, results.callBack, before: before), received))
      }
    } catch {
      context.noteFailure(error, of: vnode)
      throw error
    }
    let (reply, received) = try outcome.get()
    vnode.fetched(reply)
    return (reply.status, received)
  }

  /// How the handing over of a call's data ended.
  private enum Drained {
    case complete
    /// `write` wants no more.
    case stopped(AFSError)
    /// The call failed after some data was handed over: what another server sends may be of another version, so that
    /// whoever asked must begin anew.
    case brokenOff(AFSError)
  }

  /// Hands all data of the call to `write`.
  private static func drain(
    _ call: RxFetchCall<RXAFS.FetchData64>, to offset: UInt64,
    _ write: @Sendable (UnsafeRawBufferPointer, UInt64) throws(AFSError) -> Void
  ) async throws(RxCallError) -> Drained {
    let size = Int(clamping: min(call.length, UInt64(pieceSize)))
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(size, 1), alignment: 4096)
    defer { buffer.deallocate() }
    var position = offset
    while call.remaining > 0 {
      let count: Int
      do {
        count = try await call.receive(into: buffer)
      } catch {
        if position == offset { throw error }
        return .brokenOff(AFSError(error))
      }
      do {
        try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), position)
      } catch {
        call.abort(.rxUserAbort)
        return .stopped(error)
      }
      position += UInt64(count)
    }
    return .complete
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
      let outcome = try await context.perform(on: vnode.volume, as: identity, storing: true) {
        attempt throws(RxCallError) -> Result<VnodeState.Reply, AFSError> in
        let before = vnode.snapshot(for: attempt.server)
        let call = try await attempt.client.startStoreData64(
          fid: fid, storeStatus: storeStatus, position: position, length: count, fileLength: length)
        if let error = try await Self.fill(call, from: offset, count: count, read) { return .failure(error) }
        let results = try await call.finish()
        return .success(try attempt.reply(results.status, nil, before: before))
      }
      let reply = try outcome.get()
      _ = vnode.changeEnded(reply)
      return reply.status
    } catch {
      context.changeFailed(vnode, error)
      throw error
    }
  }

  private static func fill(
    _ call: RxStoreCall<RXAFS.StoreData64>, from offset: UInt64, count: UInt64,
    _ read: @Sendable (UnsafeMutableRawBufferPointer, UInt64) throws(AFSError) -> Void
  ) async throws(RxCallError) -> AFSError? {
    guard count > 0 else { return nil }
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Int(min(count, UInt64(pieceSize))), alignment: 4096)
    defer { buffer.deallocate() }
    var sent: UInt64 = 0
    while sent < count {
      let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(count - sent, UInt64(buffer.count)))])
      do {
        try read(piece, offset + sent)
      } catch {
        call.abort(.rxUserAbort)
        return error
      }
      sent += UInt64(piece.count)
      try await call.send(UnsafeRawBufferPointer(piece), last: sent == count)
    }
    return nil
  }
}
