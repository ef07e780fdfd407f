import AFSBase
import AFSRPC
import AFSTypes
import RxCore
import Synchronization

extension MockFileService {
  /// KiB of the mock's partitions: room for everything, and a figure that `df` can show.
  static let partitionSize: Int32 = 1 << 30

  func getVolumeStatus(
    _ arguments: RXAFS.GetVolumeStatus.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.GetVolumeStatus.Results {
    let id = VolumeID(UInt64(UInt32(bitPattern: arguments.volume)))
    return try await perform("GetVolumeStatus", volume: id, from: call) { (state, context) throws(AbortCode) in
      let volume = try state.volume(id, at: server)
      let used = state.servers[server].volumes.values.reduce(0) { $0 + $1.blocksUsed }
      let status = AFSFetchVolumeStatus(
        volume: Int32(truncatingIfNeeded: id.rawValue), parentID: Int32(truncatingIfNeeded: volume.parent.rawValue),
        online: 1, inService: 1, blessed: 1, needsSalvage: 0, type: volume.kind == .readWrite ? 1 : 0, minQuota: 0,
        maxQuota: Int32(clamping: volume.quota), blocksInUse: Int32(clamping: volume.blocksUsed),
        partitionBlocksAvailable: Self.partitionSize - Int32(clamping: used), partitionBlocksMax: Self.partitionSize)
      return Done(
        answer: .init(
          status: status, name: Array(volume.name.utf8), offlineMessage: Array(volume.offlineMessage.utf8),
          messageOfTheDay: Array(volume.messageOfTheDay.utf8)))
    }
  }

  func setVolumeStatus(
    _ arguments: RXAFS.SetVolumeStatus.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) {
    let id = VolumeID(UInt64(UInt32(bitPattern: arguments.volume)))
    try await perform("SetVolumeStatus", volume: id, from: call) { (state, context) throws(AbortCode) in
      try change(id, in: &state) { volume throws(StorageError) in
        guard context.ids.contains(AccessList.administrators) else { throw .accessDenied }
        if Int(arguments.status.mask) & RXAFSConstants.setMaxQuota != 0 {
          volume.quota = UInt64(max(0, arguments.status.maxQuota))
        }
        if !arguments.offlineMessage.isEmpty {
          volume.offlineMessage = String(decoding: arguments.offlineMessage, as: UTF8.self)
        }
        if !arguments.messageOfTheDay.isEmpty {
          volume.messageOfTheDay = String(decoding: arguments.messageOfTheDay, as: UTF8.self)
        }
      }
      return Done(answer: ())
    }
  }

  // MARK: Locks

  func setLock(_ arguments: RXAFS.SetLock.Arguments, from call: RxIncomingCall) async throws(AbortCode) -> AFSVolSync {
    let isWrite = Int(arguments.type) == RXAFSConstants.lockWrite
    return try await changeLock("SetLock", arguments.fid.fid, call, needing: isWrite ? .write : .lock) {
      count, end, now throws(StorageError) in
      if now > end { count = 0 }
      guard isWrite ? count == 0 : count >= 0 else { throw .locked }
      count = isWrite ? -1 : count + 1
      end = now + Self.lockTime
    }
  }

  func extendLock(
    _ arguments: RXAFS.ExtendLock.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> AFSVolSync {
    try await changeLock("ExtendLock", arguments.fid.fid, call) { count, end, now throws(StorageError) in
      guard count != 0 else { throw .invalid }
      end = now + Self.lockTime
    }
  }

  func releaseLock(
    _ arguments: RXAFS.ReleaseLock.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> AFSVolSync {
    try await changeLock("ReleaseLock", arguments.fid.fid, call) { count, _, _ throws(StorageError) in
      count = max(0, count - 1)
    }
  }

  /// How long a lock lives without being extended (OpenAFS src/fsint/afsint.xg, AFS_LOCKWAIT).
  private static let lockTime = Duration.seconds(300)

  /// The rules are those of OpenAFS src/viced/afsfileprocs.c, HandleLocking.
  private func changeLock(
    _ operation: String, _ fid: FID, _ call: RxIncomingCall, needing right: AccessRights? = nil,
    _ step: (inout Int32, inout MonotonicTime, MonotonicTime) throws(StorageError) -> Void
  ) async throws(AbortCode) -> AFSVolSync {
    try await perform(operation, volume: fid.volume, from: call) { (state, context) throws(AbortCode) in
      var released = false
      try change(fid.volume, in: &state) { volume throws(StorageError) in
        if let right { try require(right, on: fid, in: volume, for: context.ids) }
        let vnode = try volume.vnode(fid)
        var (count, end) = (vnode.lockCount, vnode.lockEnd)
        try step(&count, &end, context.now)
        released = count == 0
        try volume.update(fid) { vnode in
          vnode.lockCount = count
          vnode.lockEnd = end
        }
      }
      // Waiters watch for the break which tells that a lock was released.
      return Done(answer: AFSVolSync(), changed: released ? [fid] : [])
    }
  }

  // MARK: Statistics

  func xStatsVersion(from call: RxIncomingCall) async throws(AbortCode) -> Int32 {
    Int32(RXAFSConstants.statisticsVersion)
  }

  func getXStats(
    _ arguments: RXAFS.GetXStats.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.GetXStats.Results {
    let counts = cell.callCounts.sorted { $0.key < $1.key }.map { Int32(clamping: $0.value) }
    return .init(
      serverVersion: Int32(RXAFSConstants.statisticsVersion),
      time: Int32(truncatingIfNeeded: cell.wallTime.seconds), data: counts)
  }

  func getStatistics64(
    _ arguments: RXAFS.GetStatistics64.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> [UInt64] {
    let wanted = Int(max(0, min(arguments.version, Int32(RXAFSConstants.statistics64Max))))
    let used = cell.state.withLock { state in
      state.servers[server].volumes.values.reduce(0) { $0 + $1.blocksUsed }
    }
    let words: [UInt64] = [UInt64(cell.wallTime.seconds), used]
    return (0..<wanted).map { $0 < words.count ? words[$0] : 0 }
  }

  func flushCPS(
    _ arguments: RXAFS.FlushCPS.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.FlushCPS.Results {
    .init(spare2: 0, spare3: 0)
  }
}
