import AFSClient
import AFSRPC
import AFSTypes
import RxCore
import Synchronization

extension MockFileService {
  /// Data is read and sent in pieces of this size; between them other calls get their turn.
  private static let pieceSize: UInt64 = 1 << 20

  func fetchData(
    _ arguments: RXAFS.FetchData.Arguments, data: RxBulkSink<RXAFS.FetchData.LengthPrefix>, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.FetchData.Results {
    guard arguments.position >= 0, arguments.length >= 0 else { throw StorageError.invalid.abortCode }
    let answer = try await fetch(
      arguments.fid.fid, at: UInt64(arguments.position), count: UInt64(arguments.length), data, "FetchData", call)
    return .init(status: answer.0, callBack: answer.1, sync: answer.2)
  }

  func fetchData64(
    _ arguments: RXAFS.FetchData64.Arguments, data: RxBulkSink<RXAFS.FetchData64.LengthPrefix>,
    from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.FetchData64.Results {
    guard arguments.position >= 0, arguments.length >= 0 else { throw StorageError.invalid.abortCode }
    let answer = try await fetch(
      arguments.fid.fid, at: UInt64(arguments.position), count: UInt64(arguments.length), data, "FetchData64", call)
    return .init(status: answer.0, callBack: answer.1, sync: answer.2)
  }

  private func fetch<Prefix>(
    _ fid: FID, at offset: UInt64, count: UInt64, _ sink: RxBulkSink<Prefix>, _ operation: String,
    _ call: RxIncomingCall
  ) async throws(AbortCode) -> (AFSFetchStatus, AFSCallBack, AFSVolSync) {
    let fault = try await prepare(operation, volume: fid.volume, from: call)
    // A copy of the vnode is a snapshot: what is stored meanwhile does not mix with what is sent.
    let (vnode, status, callback, sync) = try run(call) {
      (state, context) throws(AbortCode) -> (StoredVnode, AFSFetchStatus, AFSCallBack, AFSVolSync) in
      let volume = try state.volume(fid.volume, at: server)
      do throws(StorageError) {
        let vnode = try volume.vnode(fid)
        try require(vnode.kind == .directory ? .lookup : .read, on: fid, in: volume, for: context.ids)
        let sync = state.sync(of: fid.volume, at: server)
        return (vnode, try self.status(of: fid, in: volume, for: context.ids), promise(fid, context, in: &state), sync)
      } catch {
        throw error.abortCode
      }
    }
    var end = min(vnode.length, offset + min(count, UInt64.max - offset))
    if case .truncateData(let limit) = fault { end = min(end, offset + limit) }
    try await sink.begin(length: end > offset ? end - offset : 0)
    var position = offset
    while position < end {
      var size = min(Self.pieceSize, end - position)
      if case .breakOff(let limit, let code) = fault {
        if position - offset >= limit { throw code }
        size = min(size, limit - (position - offset))
      }
      var piece = vnode.data(at: position, count: size)
      if case .corruptData(let first) = fault {
        for index in piece.indices where position + UInt64(index) >= first { piece[index] = ~piece[index] }
      }
      try await sink.send(piece)
      if vnode.kind == .file { cell.state.withLock { $0.bytesFetched += UInt64(piece.count) } }
      position += UInt64(piece.count)
    }
    try await cell.finish(fault)
    return (status, callback, sync)
  }

  func storeData(
    _ arguments: RXAFS.StoreData.Arguments, data: RxBulkSource, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.StoreData.Results {
    let status = try await store(
      arguments.fid.fid, arguments.storeStatus, at: UInt64(arguments.position), count: UInt64(arguments.length),
      length: UInt64(arguments.fileLength), data, "StoreData", call)
    return .init(status: status, sync: AFSVolSync())
  }

  func storeData64(
    _ arguments: RXAFS.StoreData64.Arguments, data: RxBulkSource, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.StoreData64.Results {
    let status = try await store(
      arguments.fid.fid, arguments.storeStatus, at: arguments.position, count: arguments.length,
      length: arguments.fileLength, data, "StoreData64", call)
    return .init(status: status, sync: AFSVolSync())
  }

  private func store(
    _ fid: FID, _ wanted: AFSStoreStatus, at offset: UInt64, count: UInt64, length: UInt64, _ source: RxBulkSource,
    _ operation: String, _ call: RxIncomingCall
  ) async throws(AbortCode) -> AFSFetchStatus {
    let fault = try await prepare(operation, volume: fid.volume, from: call)
    guard count <= 1 << 40, offset <= 1 << 62 else { throw StorageError.invalid.abortCode }
    // Rights and quota are checked before the data is taken, as a fileserver does.
    try run(call) { (state, context) throws(AbortCode) in
      try change(fid.volume, in: &state) { volume throws(StorageError) in
        try requireStore(fid, volume, context.ids)
      }
    }
    var bytes: [UInt8] = []
    while UInt64(bytes.count) < count {
      let piece = try await source.receive(count: Int(min(Self.pieceSize, count - UInt64(bytes.count))))
      if piece.isEmpty { throw .rxgenServerUnmarshal }
      bytes += piece
    }
    let status = try run(call) { (state, context) throws(AbortCode) -> AFSFetchStatus in
      try change(fid.volume, in: &state) { volume throws(StorageError) in
        try requireStore(fid, volume, context.ids)
        // A volume without room takes nothing of this store; what was stored before stays.
        try volume.store(bytes, at: offset, length: length, in: fid, now: context.wallTime)
        try volume.update(fid) { applyStoreStatus(wanted, to: &$0, now: context.wallTime) }
        return try self.status(of: fid, in: volume, for: context.ids)
      }
    }
    await settle([fid], from: call)
    try await cell.finish(fault)
    return status
  }

  /// The owner of a file which he could insert may write it without the write right (as OpenAFS's fileserver).
  private func requireStore(_ fid: FID, _ volume: StoredVolume, _ ids: Set<Int32>) throws(StorageError) {
    try volume.requireWritable()
    let rights = try volume.accessList(for: fid).rights(of: ids)
    let owner = Int32(bitPattern: try volume.vnode(fid).owner)
    guard rights.contains(.write) || (rights.contains(.insert) && ids.contains(owner)) else { throw .accessDenied }
  }
}
