public import AFSBase
public import AFSTypes

/// One procedure of a service, as a call's first word names it.
public struct RxOperation: Hashable, Sendable {
  public var service: ServiceID
  /// The first four bytes of the request; nil where it is shorter, or was never read.
  public var code: UInt32?
  /// Whether we called it; else peers called us.
  public var isOutgoing: Bool

  public init(service: ServiceID, code: UInt32?, isOutgoing: Bool) {
    self.service = service
    self.code = code
    self.isOutgoing = isOutgoing
  }
}

/// What the calls of one operation have come to.
public struct RxOperationCounts: Hashable, Sendable {
  /// Calls that have ended.
  public var calls: UInt64 = 0
  /// Those of them without their result, by the code with which they were aborted; at most `codesMax` codes.
  public var aborts: [AbortCode: UInt64] = [:]
  /// Those of them that ended otherwise: timed out, unreachable, cancelled, beyond `codesMax`.
  public var otherFailures: UInt64 = 0
  public var bytesSent: UInt64 = 0
  public var bytesReceived: UInt64 = 0
  /// From the call's start to its end.
  public var latency = LatencyHistogram()

  /// Peers choose the codes: their number must be bounded.
  static let codesMax = 32

  public init() {}

  /// Adds those of another endpoint.
  public mutating func add(_ other: RxOperationCounts) {
    calls += other.calls
    for (code, count) in other.aborts { addAborts(code, count) }
    otherFailures += other.otherFailures
    bytesSent += other.bytesSent
    bytesReceived += other.bytesReceived
    latency.add(other.latency)
  }

  fileprivate mutating func addAborts(_ code: AbortCode, _ count: UInt64) {
    if aborts[code] != nil || aborts.count < Self.codesMax {
      aborts[code, default: 0] += count
    } else {
      otherFailures += count
    }
  }

  mutating func record(_ measure: CallMeasure) {
    calls += 1
    bytesSent &+= measure.bytesSent
    bytesReceived &+= measure.bytesReceived
    latency.add(measure.endedAt - measure.startedAt)
    switch measure.completion {
    case .success?, nil: break
    case .failure(.aborted(let code))?, .failure(.abortedLocally(let code))?: addAborts(code, 1)
    case .failure?: otherFailures += 1
    }
  }
}

/// Counts by operation, at most 512: peers choose the codes of what they call. Beyond, an operation's code is nil.
struct OperationTable {
  static let operationsMax = 512
  private(set) var counts: [RxOperation: RxOperationCounts] = [:]

  mutating func record(_ measure: CallMeasure, service: ServiceID, isOutgoing: Bool) {
    var operation = RxOperation(service: service, code: measure.code, isOutgoing: isOutgoing)
    if let known = counts.index(forKey: operation) { return counts.values[known].record(measure) }
    if counts.count >= Self.operationsMax { operation.code = nil }
    counts[operation, default: RxOperationCounts()].record(measure)
  }
}

/// What is noted of a call for the tables.
struct CallMeasure {
  var startedAt: MonotonicTime
  var endedAt: MonotonicTime
  var completion: RxCompletion?
  private(set) var code: UInt32?
  private(set) var bytesSent: UInt64 = 0
  private(set) var bytesReceived: UInt64 = 0

  init(startedAt: MonotonicTime) {
    self.startedAt = startedAt
    endedAt = startedAt
  }

  /// The request begins with the operation's code: it is what a client writes first and a server reads first.
  mutating func wrote(_ bytes: UnsafeRawBufferPointer, isClient: Bool) {
    if isClient, bytesSent == 0, bytes.count >= 4 { code = bytes.uint32(at: 0) }
    bytesSent &+= UInt64(bytes.count)
  }

  /// The whole call's bytes are known elsewhere.
  mutating func carried(sent: Int, received: Int) {
    bytesSent = UInt64(sent)
    bytesReceived = UInt64(received)
  }

  mutating func read(_ bytes: UnsafeRawBufferPointer, isClient: Bool) {
    if !isClient, bytesReceived == 0, bytes.count >= 4 { code = bytes.uint32(at: 0) }
    bytesReceived &+= UInt64(bytes.count)
  }
}
