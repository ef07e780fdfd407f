internal import AFSBase
internal import AFSRPC
internal import AFSTypes
package import RxCore

/// The performance collections of RXAFSCB_GetXStats, as xstat_cm_test and afsmonitor read them: rows of 32-bit words
/// (OpenAFS src/afs/afs_stats.h, `struct afs_stats_CMPerf` and `afs_stats_CMFullPerf`). Words for what this client does
/// not have, OpenAFS's memory pools for one, are 0.
package struct PerformanceCollection: Sendable {
  /// Servers of a kind, of our own cell or of others.
  package struct ServerCounts: Sendable {
    package var total = 0
    package var up = 0

    package init(total: Int = 0, up: Int = 0) {
      self.total = total
      self.up = up
    }
  }

  /// How often the collections were asked for.
  package var askedCount = 0
  /// When the client started, seconds of Unix time.
  package var startTime: Int64 = 0
  package var cellsKnown = 0
  package var cellsContacted = 0
  package var cacheFiles = 0
  package var cacheSize: UInt64 = 0
  package var cacheUsage: UInt64 = 0
  package var callbacks = 0
  package var fileservers = (local: ServerCounts(), foreign: ServerCounts())
  package var locationServers = (local: ServerCounts(), foreign: ServerCounts())
  /// What calls came to.
  package var operations: [RxOperation: RxOperationCounts] = [:]

  package init() {}

  private static let downDurationBuckets = 7
  private static let downIncidentBuckets = 6
  /// Words of `afs_stats_CMPerf`.
  static let wordCount = 159
  /// Words of `afs_stats_CMFullPerf`.
  static let fullWordCount = 775

  /// `afs_stats_CMPerf`.
  package var words: [Int32] {
    var words = WordRow()
    words.append(askedCount, startTime, cellsKnown, cellsContacted)
    // Accesses by cell: not counted.
    words.zeros(4)
    let blocks = cacheSize >> 10
    words.append(cacheFiles)
    words.append(blocks, cacheUsage >> 10, blocks)
    // Chunks, hits and misses, buffers, memory: there are none of the kind, or they are not counted.
    words.zeros(23)
    words.append(callbacks)
    words.zeros(1)
    let servers =
      fileservers.local.total + fileservers.foreign.total + locationServers.local.total
      + locationServers.foreign.total
    words.append(servers, servers)
    words.zeros(4)
    for counts in [fileservers.local, fileservers.foreign, locationServers.local, locationServers.foreign] {
      words.append(counts.total, counts.up, counts.total - counts.up)
      words.zeros(9 + Self.downDurationBuckets + Self.downIncidentBuckets)
    }
    words.zeros(16)
    return words.values
  }

  /// `afs_stats_CMFullPerf`.
  package var fullWords: [Int32] {
    var words = WordRow()
    words.append(askedCount)
    words.append(self.words)
    let fileserver = Self.fileserverRows.map { counts(of: $0, service: RXAFS.serviceID, isOutgoing: true) }
    for counts in fileserver { words.append(timing: counts) }
    for counts in fileserver { words.append(errors: counts) }
    for (row, isFetch) in [(fileserver[0], true), (fileserver[3], false)] {
      words.append(transfer: row, bytes: isFetch ? row.bytesReceived : row.bytesSent)
    }
    for codes in Self.callbackRows {
      words.append(timing: counts(of: codes, service: RXAFSCB.serviceID, isOutgoing: false))
    }
    // Users and replicas: not counted.
    words.zeros(Self.fullWordCount - words.values.count)
    return words.values
  }

  private func counts(of codes: [UInt32], service: ServiceID, isOutgoing: Bool) -> RxOperationCounts {
    var sum = RxOperationCounts()
    for code in codes {
      let operation = RxOperation(service: service, code: code, isOutgoing: isOutgoing)
      if let counts = operations[operation] { sum.add(counts) }
    }
    return sum
  }

  /// The procedures of each row (AFS_STATS_FS_RPCIDX_FETCHDATA and so on): both forms where there are two. Rows without
  /// any are calls that we do not make.
  private static let fileserverRows: [[UInt32]] = [
    [130, 65537], [131], [132], [133, 65538], [134], [135], [136], [137], [138], [139], [140], [141], [142],
    [143, 156], [144, 157], [145, 158], [146, 65539], [147, 65540], [148], [149], [150], [151], [152], [153], [154],
    [155, 65536], [159], [160], [161], [],
  ]

  /// The same for what servers call (AFS_STATS_CM_RPCIDX_CALLBACK and so on).
  private static let callbackRows: [[UInt32]] = [
    [204], [205, 211, 213], [206, 214], [207], [208, 65536], [209], [210],
  ]
}

/// Words one after the other; numbers too large are the largest.
private struct WordRow {
  private(set) var values: [Int32] = []

  mutating func append(_ numbers: (any BinaryInteger)...) {
    for number in numbers { values.append(Int32(clamping: number)) }
  }

  mutating func append(_ words: [Int32]) { values += words }

  mutating func zeros(_ count: Int) { values += repeatElement(0, count: count) }

  private mutating func append(time: Duration) {
    append(time.components.seconds, time.components.attoseconds / 1_000_000_000_000)
  }

  /// `afs_stats_opTimingData`; the sum of squares is not kept.
  mutating func append(timing counts: RxOperationCounts) {
    let failures = counts.aborts.values.reduce(counts.otherFailures, +)
    append(counts.calls, counts.calls - min(failures, counts.calls))
    append(time: .nanoseconds(Int64(clamping: counts.latency.sum)))
    zeros(2)
    append(time: counts.latency.shortest)
    append(time: counts.latency.longest)
  }

  /// `afs_stats_RPCErrors`: server, network, protection, volume, busy volume, other.
  mutating func append(errors counts: RxOperationCounts) {
    var (protection, volume, busy, other) = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
    for (code, count) in counts.aborts {
      switch code {
      case .vBusy, .vRestarting: busy += count
      // rxkad's table of codes (OpenAFS src/rxkad/rxkad_errs.et).
      case let code where code.rawValue & ~0xFF == AbortCode.rxkadInconsistency.rawValue: protection += count
      case .vSalvage, .vNoVnode, .vNoVol, .vVolExists, .vNoService, .vOffline, .vOnline, .vDiskFull, .vOverQuota,
        .vMoved:
        volume += count
      default: other += count
      }
    }
    append(counts.otherFailures)
    zeros(1)
    append(protection, volume, busy, other)
  }

  /// `afs_stats_xferData`: sizes of single transfers are not kept.
  mutating func append(transfer counts: RxOperationCounts, bytes: UInt64) {
    append(timing: counts)
    append(bytes >> 10)
    zeros(2 + 9)
  }
}
