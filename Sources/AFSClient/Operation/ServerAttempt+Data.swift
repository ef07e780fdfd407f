import AFSRPC
import AFSTypes
import RxCore

/// How FetchData ended.
enum FetchedData {
  case complete(AFSFetchStatus, AFSCallBack, AFSVolSync)
  /// The receiver wants no more.
  case stopped(AFSError)
}

/// How StoreData ended.
enum StoredData {
  case complete(AFSFetchStatus)
  /// The bytes could not be read.
  case stopped(AFSError)
}

/// Bulk data by FetchData64 and StoreData64; at servers which do not know them by FetchData and StoreData, within what
/// their 32 bits allow (OpenAFS src/afs/afs_fetchstore.c does the same, and refuses the rest with EFBIG).
extension ServerAttempt {
  /// Bytes handed over at a time: large enough to make the hand-over cheap, small enough for many calls at once.
  private static let pieceSize = 256 << 10
  /// Lengths and positions of the older calls end here: FetchData's are signed.
  private static let position32Max = UInt64(Int32.max)

  /// Runs `call64`, or `call32` when the server is known, or turns out, not to have the 64-bit calls.
  private func with64Bits<R>(
    _ call64: () async throws(RxCallError) -> R, else call32: () async throws(RxCallError) -> R
  ) async throws(RxCallError) -> R {
    if !server.lacks64BitCalls {
      do {
        return try await call64()
      } catch .aborted(.rxgenOpcode) {
        server.lacks64BitCalls = true
      } catch {
        throw error
      }
    }
    return try await call32()
  }

  // MARK: Fetching

  /// Hands over the bytes from `start` to `end`, or to the end of the file.
  func fetchData(
    _ fid: AFSFid, from start: UInt64, to end: UInt64,
    _ write: (UnsafeRawBufferPointer, UInt64) throws(AFSError) -> Void
  ) async throws(RxCallError) -> FetchedData {
    try await with64Bits { () async throws(RxCallError) -> FetchedData in
      let call = try await client.startFetchData64(fid: fid, position: Int64(start), length: Int64(end - start))
      return try await Self.receive(call, start, end, write) { ($0.status, $0.callBack, $0.sync) }
    } else: { () async throws(RxCallError) -> FetchedData in
      // What lies beyond cannot be asked for; a file that ends before it is read to its end.
      guard start <= Self.position32Max else { return .stopped(.fileTooLarge) }
      let reachable = min(end, Self.position32Max)
      let call = try await client.startFetchData(
        fid: fid, position: Int32(start), length: Int32(reachable - start))
      return try await Self.receive(call, start, reachable, write) { ($0.status, $0.callBack, $0.sync) }
    }
  }

  private static func receive<P: RxFetchProcedure>(
    _ call: RxFetchCall<P>, _ start: UInt64, _ end: UInt64,
    _ write: (UnsafeRawBufferPointer, UInt64) throws(AFSError) -> Void,
    results: (P.Results) -> (AFSFetchStatus, AFSCallBack, AFSVolSync)
  ) async throws(RxCallError) -> FetchedData {
    guard call.length <= end - start else {
      call.abort(.rxgenClientUnmarshal)
      throw .malformedReply("\(P.name): \(call.length) bytes where \(end - start) were asked for")
    }
    let size = Int(clamping: min(call.length, UInt64(pieceSize)))
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(size, 1), alignment: 4096)
    defer { buffer.deallocate() }
    var position = start
    while call.remaining > 0 {
      let count = try await call.receive(into: buffer)
      do {
        try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), position)
      } catch {
        call.abort(.rxUserAbort)
        return .stopped(error)
      }
      position += UInt64(count)
    }
    let (status, callBack, sync) = results(try await call.finish())
    return .complete(status, callBack, sync)
  }

  // MARK: Storing

  func storeData(
    _ fid: AFSFid, _ status: AFSStoreStatus, at position: UInt64, count: UInt64, fileLength: UInt64,
    _ read: (UnsafeMutableRawBufferPointer, UInt64) throws(AFSError) -> Void
  ) async throws(RxCallError) -> StoredData {
    try await with64Bits { () async throws(RxCallError) -> StoredData in
      let call = try await client.startStoreData64(
        fid: fid, storeStatus: status, position: position, length: count, fileLength: fileLength)
      return try await Self.send(call, from: position, count: count, read) { $0.status }
    } else: { () async throws(RxCallError) -> StoredData in
      guard max(position + count, fileLength) <= Self.position32Max else { return .stopped(.fileTooLarge) }
      let call = try await client.startStoreData(
        fid: fid, storeStatus: status, position: UInt32(position), length: UInt32(count),
        fileLength: UInt32(fileLength))
      return try await Self.send(call, from: position, count: count, read) { $0.status }
    }
  }

  /// Changes nothing, but lets the server write the file through to its disk: no bytes at the start of a file which
  /// may be as long as it is. (OpenAFS src/viced/afsfileprocs.c, StoreData_RXStyle: `sync`; StoreStatus ignores the
  /// flag.)
  func commitData(_ fid: AFSFid, _ status: AFSStoreStatus) async throws(RxCallError) -> AFSFetchStatus {
    try await with64Bits { () async throws(RxCallError) -> AFSFetchStatus in
      let call = try await client.startStoreData64(
        fid: fid, storeStatus: status, position: 0, length: 0, fileLength: UInt64(Int64.max))
      return try await call.finish().status
    } else: { () async throws(RxCallError) -> AFSFetchStatus in
      let call = try await client.startStoreData(
        fid: fid, storeStatus: status, position: 0, length: 0, fileLength: UInt32(Int32.max))
      return try await call.finish().status
    }
  }

  private static func send<P: RxStoreProcedure>(
    _ call: RxStoreCall<P>, from start: UInt64, count: UInt64,
    _ read: (UnsafeMutableRawBufferPointer, UInt64) throws(AFSError) -> Void,
    results: (P.Results) -> AFSFetchStatus
  ) async throws(RxCallError) -> StoredData {
    if count > 0 {
      let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: Int(min(count, UInt64(pieceSize))), alignment: 4096)
      defer { buffer.deallocate() }
      var sent: UInt64 = 0
      while sent < count {
        let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(count - sent, UInt64(buffer.count)))])
        do {
          try read(piece, start + sent)
        } catch {
          call.abort(.rxUserAbort)
          return .stopped(error)
        }
        sent += UInt64(piece.count)
        try await call.send(UnsafeRawBufferPointer(piece), last: sent == count)
      }
    }
    return .complete(results(try await call.finish()))
  }
}
