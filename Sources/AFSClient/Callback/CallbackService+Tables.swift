import AFSBase
import AFSCache
package import AFSRPC
package import AFSTypes
package import RxCore
import RxTransport

/// The questions of administrators' tools (OpenAFS src/venus/cmdebug.c shows what they make of the answers).
extension CallbackService {
  /// What servers answer to an index past the end of a table (OpenAFS src/afs/afs_callback.c).
  private static let noSuchIndex = AbortCode(1)

  package func getLock(
    _ arguments: RXAFSCB.GetLock.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> AFSDBLock {
    // The table of the client's few global locks, by which OpenAFS's hangs are looked into, is empty: ours are none that a
    // call waits for.
    throw Self.noSuchIndex
  }

  package func getCE(
    _ arguments: RXAFSCB.GetCE.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> AFSDBCacheEntry {
    let entry = try cacheEntry(at: arguments.index)
    return AFSDBCacheEntry(
      address: entry.address, cell: entry.cell, fid: entry.fid, length: Int32(clamping: entry.length),
      dataVersion: entry.dataVersion, callBack: entry.callBack, callBackExpires: entry.callBackExpires,
      refCount: entry.refCount, opens: entry.opens, writers: entry.writers, mvstat: entry.mvstat,
      states: entry.states)
  }

  package func getCE64(
    _ arguments: RXAFSCB.GetCE64.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> AFSDBCacheEntry64 {
    try cacheEntry(at: arguments.index)
  }

  /// Bits of `states` (OpenAFS src/afs/afs.h).
  private enum EntryState {
    static let statusIsValid: UInt8 = 1
    static let readOnly: UInt8 = 4
  }

  private func cacheEntry(at index: Int32) throws(AbortCode) -> AFSDBCacheEntry64 {
    guard index >= 0, let vnode = context.vnodes.vnode(at: Int(index)) else { throw Self.noSuchIndex }
    let now = context.now
    let wallNow = context.timer.wallTime
    let remaining = vnode.trustedStatus(now: now)?.remaining
    return vnode.withState { state in
      AFSDBCacheEntry64(
        // A number for people; 0 would mean a process that sleeps (OpenAFS src/venus/cmdebug.c, PrintCacheEntries64).
        address: index &+ 1, cell: Int32(truncatingIfNeeded: vnode.key.cell), fid: AFSFid(vnode.fid),
        length: Int64(clamping: state.status?.length ?? 0),
        dataVersion: Int32(truncatingIfNeeded: state.status?.dataVersion.rawValue ?? 0),
        callBack: state.promise == nil ? 0 : 1,
        callBackExpires: remaining.map { Int32(clamping: wallNow.seconds + $0.components.seconds) } ?? 0,
        refCount: 1, opens: Int16(clamping: state.openCount),
        writers: state.contents?.localChange == nil ? 0 : 1,
        mvstat: vnode.fid.vnode == 1 ? 2 : (state.status?.isMountPoint ?? false) ? 1 : 0,
        states: (remaining == nil ? 0 : EntryState.statusIsValid)
          | (vnode.volume.isReadOnly ? EntryState.readOnly : 0))
    }
  }

  package func xStatsVersion(from call: RxIncomingCall) async throws(AbortCode) -> Int32 {
    Int32(RXAFSCBConstants.statisticsVersion)
  }

  package func getXStats(
    _ arguments: RXAFSCB.GetXStats.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFSCB.GetXStats.Results {
    let data: [Int32]
    switch UInt32(bitPattern: arguments.collection) {
    // Counts of calls of OpenAFS's functions: none of them is ours.
    case UInt32(RXAFSCBConstants.statisticsCallCounts): data = []
    case UInt32(RXAFSCBConstants.statisticsPerformance): data = await performance().words
    case UInt32(RXAFSCBConstants.statisticsFullPerformance): data = await performance().fullWords
    default: throw Self.noSuchIndex
    }
    return RXAFSCB.GetXStats.Results(
      serverVersion: Int32(RXAFSCBConstants.statisticsVersion),
      time: Int32(truncatingIfNeeded: context.timer.wallTime.seconds), data: data)
  }

  private func performance() async -> PerformanceCollection {
    var figures = PerformanceCollection()
    let (now, cells) = (context.now, context.cells.all)
    figures.askedCount = context.countPerformanceQuestion()
    figures.startTime = context.startTime.seconds
    figures.cellsKnown = cells.count
    figures.cellsContacted = cells.count { !$0.volumes.isEmpty }
    let usage = context.cache.usage
    (figures.cacheFiles, figures.cacheSize) = (usage.files, usage.sizeMax)
    figures.cacheUsage = usage.diskBytes + usage.memoryBytes
    figures.callbacks = context.vnodes.vnodes { $0.trustedStatus(now: now) != nil }.count
    for cell in cells {
      let counts = PerformanceCollection.ServerCounts(
        total: cell.locationServers.count, up: cell.locationServers.count { cell.isUp($0) ?? true })
      if cell.name == context.cells.localName {
        figures.locationServers.local = counts
      } else {
        figures.locationServers.foreign.total += counts.total
        figures.locationServers.foreign.up += counts.up
      }
    }
    // A server is no cell's: those of other cells count here, too.
    let servers = context.servers.all
    figures.fileservers.local = .init(total: servers.count, up: servers.count { !$0.isDown })
    figures.operations = await context.operations()
    return figures
  }

  package func getServerPrefs(
    _ arguments: RXAFSCB.GetServerPrefs.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFSCB.GetServerPrefs.Results {
    let addresses = context.servers.all.flatMap(\.addresses).filter { $0.address.ipv4 != nil }
      .sorted { $0.address.low < $1.address.low }
    let index = Int(arguments.index)
    guard addresses.indices.contains(index), let address = addresses[index].address.ipv4 else {
      return RXAFSCB.GetServerPrefs.Results(serverAddress: .max, serverRank: -1)
    }
    // Ours are ranked by measured round trips; in the 100 microseconds that keep ranks within OpenAFS's 16 bits.
    let rank = addresses[index].roundTrip.map { Int32(clamping: min($0.wholeNanoseconds / 100_000, 65_535)) }
    return RXAFSCB.GetServerPrefs.Results(serverAddress: address, serverRank: rank ?? 65_535)
  }

  package func getCellServDB(
    _ arguments: RXAFSCB.GetCellServDB.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFSCB.GetCellServDB.Results {
    // Any caller may send any number: the sum wraps to one which no cell has.
    let (name, hosts) = cell(number: arguments.index &+ 1)
    return RXAFSCB.GetCellServDB.Results(cellName: name, hosts: hosts)
  }

  package func getCellByNum(
    _ arguments: RXAFSCB.GetCellByNum.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFSCB.GetCellByNum.Results {
    let (name, hosts) = cell(number: arguments.cellNumber)
    return RXAFSCB.GetCellByNum.Results(cellName: name, hosts: hosts)
  }

  /// An empty name ends the table.
  private func cell(number: Int32) -> (name: [UInt8], hosts: [UInt32]) {
    guard number > 0, let cell = context.cells.cell(number: UInt32(number)) else {
      return ([], [])
    }
    return (
      Array(cell.name.text.utf8),
      Array(cell.locationServers.compactMap(\.ipv4).prefix(CommonConstants.cellHostsMax))
    )
  }

  package func getLocalCell(from call: RxIncomingCall) async throws(AbortCode) -> [UInt8] {
    Array((context.cells.localName?.text ?? "").utf8)
  }

  package func getCacheConfig(
    _ arguments: RXAFSCB.GetCacheConfig.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFSCB.GetCacheConfig.Results {
    // cm_initparams_v1: chunk files, status entries, data entries, volumes, first and other chunk size, cache size
    // in KiB, set time, memory cache (OpenAFS src/afs/afs_args.h).
    let configuration = context.configuration
    let words: [UInt32] = [
      0, UInt32(clamping: configuration.vnodeCountMax), 0,
      UInt32(clamping: context.cells.all.map(\.volumes.count).reduce(0, +)),
      0, 0, UInt32(clamping: context.cache.limits.sizeMax >> 10), 0, 0,
    ]
    return RXAFSCB.GetCacheConfig.Results(
      serverVersion: 1, configurationCount: UInt32(words.count), configuration: words)
  }
}
