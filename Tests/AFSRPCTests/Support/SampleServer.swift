import AFSBase
import AFSRPC
import AFSTypes
import RxCore
import Synchronization

/// A file server with one file, which knows a few procedures only.
final class SampleServer: RXAFSService {
  static let fid = AFSFid(volume: 536_870_912, vnode: 2, unique: 7)
  private let content: Mutex<[UInt8]>

  init(content: [UInt8] = []) {
    self.content = Mutex(content)
  }

  var bytes: [UInt8] { content.withLock { $0 } }

  private var status: AFSFetchStatus {
    var status = AFSFetchStatus(interfaceVersion: 1, unixModeBits: 0o644)
    status.type = .file
    status.length64 = UInt64(bytes.count)
    status.version = DataVersion(0x1_0000_0003)
    return status
  }

  private func check(_ fid: AFSFid) throws(AbortCode) {
    if fid != Self.fid { throw .vNoVnode }
  }

  func fetchStatus(
    _ arguments: RXAFS.FetchStatus.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.FetchStatus.Results {
    try check(arguments.fid)
    return .init(
      status: status, callBack: AFSCallBack(callBackVersion: 1, expirationTime: 3600, callBackType: 2),
      sync: AFSVolSync(spare1: 5))
  }

  func giveUpCallBacks(
    _ arguments: RXAFS.GiveUpCallBacks.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) {
    for fid in arguments.fids { try check(fid) }
  }

  func getCapabilities(from call: RxIncomingCall) async throws(AbortCode) -> [UInt32] { [7, call.cid] }

  func removeFile(
    _ arguments: RXAFS.RemoveFile.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.RemoveFile.Results {
    guard arguments.name == [0x66, 0xE9] else { throw AbortCode(2) }
    return .init(directoryStatus: status, sync: AFSVolSync())
  }

  func getRootVolume(from call: RxIncomingCall) async throws(AbortCode) -> [UInt8] {
    [UInt8](repeating: 0x61, count: 300)
  }

  func fetchData64(
    _ arguments: RXAFS.FetchData64.Arguments, data: RxBulkSink<UInt64>, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.FetchData64.Results {
    try check(arguments.fid)
    let part = bytes.dropFirst(Int(arguments.position)).prefix(Int(arguments.length))
    try await data.begin(length: UInt64(part.count))
    for start in stride(from: part.startIndex, to: part.endIndex, by: 50_000) {
      try await data.send([UInt8](part[start..<min(start + 50_000, part.endIndex)]))
    }
    return .init(status: status, callBack: AFSCallBack(), sync: AFSVolSync())
  }

  /// Promises one byte more than it sends.
  func fetchData(
    _ arguments: RXAFS.FetchData.Arguments, data: RxBulkSink<UInt32>, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.FetchData.Results {
    try await data.begin(length: 3)
    try await data.send([1, 2])
    return .init(status: status, callBack: AFSCallBack(), sync: AFSVolSync())
  }

  func storeData64(
    _ arguments: RXAFS.StoreData64.Arguments, data: RxBulkSource, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.StoreData64.Results {
    try check(arguments.fid)
    var left = Int(arguments.length)
    while left > 0 {
      let piece = try await data.receive(count: min(left, 50_000))
      if piece.isEmpty { throw .rxProtocolError }
      content.withLock { $0 += piece }
      left -= piece.count
    }
    return .init(status: status, sync: AFSVolSync())
  }
}
