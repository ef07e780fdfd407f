import AFSBase
import AFSClient
import AFSRPC
import AFSTypes
import RxCore
import RxTransport
import Synchronization

extension MockCell {
  func fileService(ofServer number: Int) -> any RxService {
    RXAFSDispatcher(MockFileService(cell: self, server: number))
  }
}

/// The file service of one mock server. Each operation: greet the client, count and strike faults, change the
/// storage under the cell's lock, break other clients' callbacks, answer.
struct MockFileService: RXAFSService {
  let cell: MockCell
  let server: Int

  /// What an operation did: the answer, and the files whose other holders must be told.
  struct Done<Answer> {
    var answer: Answer
    var changed: [FID] = []
  }

  /// What an operation works with, under the cell's lock.
  struct Context {
    let host: CallbackRegistry.Host
    /// The caller's own id.
    let user: Int32
    /// Everything that the caller is: his own id, groups, system:anyuser.
    let ids: Set<Int32>
    let wallTime: WallTime
    let now: MonotonicTime
    let lifetime: Duration
  }

  func perform<Answer>(
    _ operation: String, volume: VolumeID?, from call: RxIncomingCall,
    _ body: (inout MockCellState, Context) throws(AbortCode) -> Done<Answer>
  ) async throws(AbortCode) -> Answer {
    let fault = try await prepare(operation, volume: volume, from: call)
    let done = try run(call, body)
    await settle(done.changed, from: call)
    try await cell.finish(fault)
    return done.answer
  }

  /// What a fileserver does first in every operation, GetTime and GetCapabilities included (OpenAFS
  /// src/viced/afsfileprocs.c, CallPreamble).
  @discardableResult
  func prepare(
    _ operation: String, volume: VolumeID?, from call: RxIncomingCall
  ) async throws(AbortCode) -> FaultPlan.Fault? {
    let fault = try await cell.begin(operation, server: server, volume: volume)
    try await cell.greet(CallbackRegistry.Host(address: call.peer), server: server)
    return fault
  }

  func run<Answer>(
    _ call: RxIncomingCall, _ body: (inout MockCellState, Context) throws(AbortCode) -> Answer
  ) throws(AbortCode) -> Answer {
    let wallTime = cell.wallTime
    let now = cell.timer.now
    return try cell.state.withLock { (state) throws(AbortCode) -> Answer in
      let identity = state.identity(of: call)
      if let principal = call.authentication?.principal { state.callers[principal, default: 0] += 1 }
      let context = Context(
        host: CallbackRegistry.Host(address: call.peer), user: identity.user, ids: identity.ids,
        wallTime: wallTime, now: now, lifetime: state.callbackLifetime)
      return try body(&state, context)
    }
  }

  func settle(_ changed: [FID], from call: RxIncomingCall) async {
    guard !changed.isEmpty else { return }
    await cell.breakPromises(for: changed, server: server, except: CallbackRegistry.Host(address: call.peer))
  }

  // MARK: Parts that operations share

  /// Runs a change on a volume of this server; its errors become the codes that OpenAFS sends.
  func change<Answer>(
    _ id: VolumeID, in state: inout MockCellState,
    _ body: (inout StoredVolume) throws(StorageError) -> Answer
  ) throws(AbortCode) -> Answer {
    var volume = try state.volume(id, at: server)
    do {
      let answer = try body(&volume)
      state.servers[server].volumes[id] = volume
      return answer
    } catch {
      throw error.abortCode
    }
  }

  func require(
    _ right: AccessRights, on fid: FID, in volume: StoredVolume, for ids: Set<Int32>
  ) throws(StorageError) {
    let rights = try volume.accessList(for: fid).rights(of: ids)
    guard rights.isSuperset(of: right) else { throw .accessDenied }
  }

  func status(of fid: FID, in volume: StoredVolume, for ids: Set<Int32>) throws(StorageError) -> AFSFetchStatus {
    let vnode = try volume.vnode(fid)
    let list = try volume.accessList(for: fid)
    let type: AFSFileType =
      switch vnode.kind {
      case .file: .file
      case .directory: .directory
      case .symbolicLink: .symbolicLink
      }
    return AFSFetchStatus(
      interfaceVersion: 1, fileType: type.rawValue, linkCount: vnode.linkCount,
      length: UInt32(truncatingIfNeeded: vnode.length),
      dataVersion: UInt32(truncatingIfNeeded: vnode.dataVersion.rawValue),
      author: vnode.author, owner: vnode.owner, callerAccess: list.rights(of: ids).rawValue,
      anonymousAccess: list.rights(of: [AccessList.anyUser]).rawValue, unixModeBits: UInt32(vnode.permissions),
      parentVnode: UInt32(vnode.parentVnode), parentUnique: vnode.parentUnique, residencyMask: 1,
      clientModTime: UInt32(truncatingIfNeeded: vnode.clientModified.seconds),
      serverModTime: UInt32(truncatingIfNeeded: vnode.serverModified.seconds), group: vnode.group, syncCounter: 0,
      dataVersionHigh: UInt32(vnode.dataVersion.rawValue >> 32), lockCount: vnode.lockCount,
      lengthHigh: UInt32(vnode.length >> 32), errorCode: 0)
  }

  /// Promises a callback and says until when (seconds from now, as servers send it on the wire).
  func promise(_ fid: FID, _ context: Context, in state: inout MockCellState) -> AFSCallBack {
    state.servers[server].callbacks.promise(fid, to: context.host, until: context.now + context.lifetime)
    return AFSCallBack(
      callBackVersion: 1, expirationTime: UInt32(context.lifetime.components.seconds),
      callBackType: AFSCallBackType.shared.rawValue)
  }

  /// A changed directory's holders must be told, except the one who changed it, who keeps his promise if he had one.
  func applyStoreStatus(_ wanted: AFSStoreStatus, to vnode: inout StoredVnode, now: WallTime) {
    let mask = Int(wanted.mask)
    if mask & RXAFSConstants.setModTime != 0 {
      vnode.clientModified = WallTime(seconds: Int64(wanted.clientModTime))
    }
    if mask & RXAFSConstants.setOwner != 0 { vnode.owner = wanted.owner }
    if mask & RXAFSConstants.setGroup != 0 { vnode.group = wanted.group }
    if mask & RXAFSConstants.setMode != 0 { vnode.permissions = UInt16(wanted.unixModeBits & 0o7777) }
    vnode.serverModified = now
  }
}
