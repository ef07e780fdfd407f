import AFSBase
import AFSClient
import AFSRPC
import AFSTypes
import RxCore

extension MockFileService {
  func fetchStatus(
    _ arguments: RXAFS.FetchStatus.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.FetchStatus.Results {
    let fid = arguments.fid.fid
    return try await perform("FetchStatus", volume: fid.volume, from: call) { (state, context) throws(AbortCode) in
      let (status, callback) = try statusAndPromise(fid, context, &state)
      return Done(answer: .init(status: status, callBack: callback, sync: state.sync(of: fid.volume, at: server)))
    }
  }

  func statusAndPromise(
    _ fid: FID, _ context: Context, _ state: inout MockCellState
  ) throws(AbortCode) -> (AFSFetchStatus, AFSCallBack) {
    let volume = try state.volume(fid.volume, at: server)
    do throws(StorageError) {
      let vnode = try volume.vnode(fid)
      try require(vnode.kind == .directory ? .lookup : .read, on: fid, in: volume, for: context.ids)
      return (try self.status(of: fid, in: volume, for: context.ids), promise(fid, context, in: &state))
    } catch {
      throw error.abortCode
    }
  }

  func inlineBulkStatus(
    _ arguments: RXAFS.InlineBulkStatus.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.InlineBulkStatus.Results {
    let volume = arguments.fids.first?.fid.volume
    return try await perform("InlineBulkStatus", volume: volume, from: call) { (state, context) throws(AbortCode) in
      var statuses: [AFSFetchStatus] = []
      var callbacks: [AFSCallBack] = []
      for fid in arguments.fids.map(\.fid) {
        do throws(AbortCode) {
          let (status, callback) = try statusAndPromise(fid, context, &state)
          statuses.append(status)
          callbacks.append(callback)
        } catch {
          statuses.append(AFSFetchStatus(interfaceVersion: 1, errorCode: error.rawValue))
          callbacks.append(AFSCallBack(callBackVersion: 0, expirationTime: 0, callBackType: 0))
        }
      }
      let sync = volume.map { state.sync(of: $0, at: server) } ?? AFSVolSync()
      return Done(answer: .init(statuses: statuses, callBacks: callbacks, sync: sync))
    }
  }

  func bulkStatus(
    _ arguments: RXAFS.BulkStatus.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.BulkStatus.Results {
    let volume = arguments.fids.first?.fid.volume
    return try await perform("BulkStatus", volume: volume, from: call) { (state, context) throws(AbortCode) in
      var statuses: [AFSFetchStatus] = []
      var callbacks: [AFSCallBack] = []
      for fid in arguments.fids.map(\.fid) {
        let (status, callback) = try statusAndPromise(fid, context, &state)
        statuses.append(status)
        callbacks.append(callback)
      }
      return Done(answer: .init(statuses: statuses, callBacks: callbacks, sync: AFSVolSync()))
    }
  }

  func storeStatus(
    _ arguments: RXAFS.StoreStatus.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.StoreStatus.Results {
    let fid = arguments.fid.fid
    return try await perform("StoreStatus", volume: fid.volume, from: call) { (state, context) throws(AbortCode) in
      let status = try change(fid.volume, in: &state) { volume throws(StorageError) in
        try requireStatusChange(arguments.storeStatus, fid, volume, context.ids)
        try volume.update(fid) { applyStoreStatus(arguments.storeStatus, to: &$0, now: context.wallTime) }
        return try self.status(of: fid, in: volume, for: context.ids)
      }
      return Done(answer: .init(status: status, sync: AFSVolSync()), changed: [fid])
    }
  }

  /// Owners are changed by administrators only (OpenAFS src/viced/afsfileprocs.c, Check_PermissionRights).
  private func requireStatusChange(
    _ wanted: AFSStoreStatus, _ fid: FID, _ volume: StoredVolume, _ ids: Set<Int32>
  ) throws(StorageError) {
    let vnode = try volume.vnode(fid)
    let changesOwner = Int(wanted.mask) & RXAFSConstants.setOwner != 0 && wanted.owner != vnode.owner
    if changesOwner, !ids.contains(AccessList.administrators) { throw .accessDenied }
    try require(vnode.kind == .directory ? .delete : .write, on: fid, in: volume, for: ids)
  }

  func fetchACL(
    _ arguments: RXAFS.FetchACL.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.FetchACL.Results {
    let fid = arguments.fid.fid
    return try await perform("FetchACL", volume: fid.volume, from: call) { (state, context) throws(AbortCode) in
      let users = state.users
      let (text, status) = try change(fid.volume, in: &state) {
        (volume) throws(StorageError) -> (String, AFSFetchStatus) in
        try require(.lookup, on: fid, in: volume, for: context.ids)
        let text = try volume.accessList(for: fid).text { id in users.first { $0.value == id }?.key ?? String(id) }
        return (text, try self.status(of: fid, in: volume, for: context.ids))
      }
      return Done(answer: .init(accessList: Array(text.utf8) + [0], status: status, sync: AFSVolSync()))
    }
  }

  func storeACL(
    _ arguments: RXAFS.StoreACL.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.StoreACL.Results {
    let status = try await storeACL(arguments.accessList, on: arguments.fid.fid, as: "StoreACL", from: call)
    return .init(status: status, sync: AFSVolSync())
  }

  func oldStoreACL(
    _ arguments: RXAFS.OldStoreACL.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.OldStoreACL.Results {
    let status = try await storeACL(arguments.accessList, on: arguments.fid.fid, as: "OldStoreACL", from: call)
    return .init(status: status, sync: AFSVolSync())
  }

  private func storeACL(
    _ bytes: [UInt8], on fid: FID, as operation: String, from call: RxIncomingCall
  ) async throws(AbortCode) -> AFSFetchStatus {
    try await perform(operation, volume: fid.volume, from: call) { (state, context) throws(AbortCode) in
      let users = state.users
      // As OpenAFS (src/viced/afsfileprocs.c, check_acl): what no zero byte ends is no access list.
      guard let end = bytes.firstIndex(of: 0) else { throw StorageError.invalid.abortCode }
      let text = String(decoding: bytes[..<end], as: UTF8.self)
      guard let list = AccessList(text: text, idOf: { users[$0] }) else { throw StorageError.invalid.abortCode }
      let status = try change(fid.volume, in: &state) { volume throws(StorageError) in
        try require(.administer, on: fid, in: volume, for: context.ids)
        guard try volume.vnode(fid).kind == .directory else { throw .notDirectory }
        try volume.update(fid) { vnode in
          guard case .directory(var directory) = vnode.contents else { return }
          directory.accessList = list
          vnode.contents = .directory(directory)
        }
        return try self.status(of: fid, in: volume, for: context.ids)
      }
      return Done(answer: status, changed: [fid])
    }
  }

  func giveUpCallBacks(
    _ arguments: RXAFS.GiveUpCallBacks.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) {
    try await perform("GiveUpCallBacks", volume: nil, from: call) { (state, context) throws(AbortCode) in
      for fid in arguments.fids { state.servers[server].callbacks.giveUp(fid.fid, context.host) }
      return Done(answer: ())
    }
  }

  func giveUpAllCallBacks(from call: RxIncomingCall) async throws(AbortCode) {
    try await perform("GiveUpAllCallBacks", volume: nil, from: call) { (state, context) throws(AbortCode) in
      state.servers[server].callbacks.giveUpAll(context.host)
      return Done(answer: ())
    }
  }

  func getCapabilities(from call: RxIncomingCall) async throws(AbortCode) -> [UInt32] {
    try await prepare("GetCapabilities", volume: nil, from: call)
    return [
      UInt32(
        RXAFSConstants.capabilityErrorTranslation | RXAFSConstants.capability64BitFiles
          | RXAFSConstants.capabilitySaneACLs)
    ]
  }

  func getTime(from call: RxIncomingCall) async throws(AbortCode) -> RXAFS.GetTime.Results {
    try await prepare("GetTime", volume: nil, from: call)
    let now = cell.wallTime
    return .init(seconds: UInt32(truncatingIfNeeded: now.seconds), microseconds: now.nanoseconds / 1000)
  }

  func getRootVolume(from call: RxIncomingCall) async throws(AbortCode) -> [UInt8] {
    try await cell.begin("GetRootVolume", server: server, volume: nil)
    return Array("root.afs".utf8)
  }
}
