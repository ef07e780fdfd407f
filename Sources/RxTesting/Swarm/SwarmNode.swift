import AFSBase
import AFSTypes
import RxCore

/// One host of a swarm run: makes its calls and serves those of the other.
final class SwarmNode: SimulatedBehaviour {
  static let services = [ServiceID(1), ServiceID(2), ServiceID(52)]
  static let unknownService = ServiceID(99)
  static let cancelCode = AbortCode(4711)
  static let serverCode = AbortCode(4712)
  /// A request that cannot be told from damage.
  static let lostCode = AbortCode(4713)
  static let securityCode = AbortCode(4714)
  static let networkErrno: Int32 = 113
  static let securityReference = RxClientSecurityReference(rawValue: 7)

  struct Outgoing {
    let job: SwarmJob
    let openedAt: MonotonicTime
    /// Negative: bytes of the head that are still to be sent.
    var sent = -SwarmRequestHead.byteCount
    var received = 0
    var isAtEnd = false
    var isCancelled = false
    /// Set while it rests from reading.
    var readsAgainAt: MonotonicTime?
  }

  struct Incoming {
    var head: [UInt8] = []
    var job: SwarmJob?
    var received = 0
    var replied = 0
    var hasRequest = false
    var isReplying = false
    var isReplied = false
    var readsAgainAt: MonotonicTime?
    var repliesAt: MonotonicTime?
  }

  let side: Int
  let ledger: SwarmLedger
  let peer: RxAddress
  /// The network's time at the host's clock when the run began is zero.
  private var waiting: [SwarmJob]
  var outgoing: [RxCallHandle: Outgoing] = [:]
  var incoming: [RxCallHandle: Incoming] = [:]
  private var wakes: Set<MonotonicTime> = []
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 15, alignment: 8)

  init(side: Int, ledger: SwarmLedger, peer: RxAddress) {
    self.side = side
    self.ledger = ledger
    self.peer = peer
    waiting = ledger.plan.jobs.filter { $0.side == side }.sorted { $0.start > $1.start }
    if let first = waiting.last { wake(at: .zero + first.start) }
  }

  deinit { buffer.deallocate() }

  /// The process was started anew: its calls are gone, those to come are not.
  func restart() {
    for call in outgoing.values { ledger.forgot(call.job.id) }
    outgoing = [:]
    incoming = [:]
  }

  func isProtected(_ job: SwarmJob?) -> Bool {
    ledger.plan.corruption != .unfound || (job?.isSecure ?? false)
  }

  // MARK: Time

  var nextWake: MonotonicTime? { wakes.min() }

  func wake(at time: MonotonicTime) { wakes.insert(time) }

  func woke(on endpoint: inout RxEndpoint, now: MonotonicTime) {
    wakes = wakes.filter { $0 > now }
    beginCalls(&endpoint, now)
    for handle in outgoing.keys.sorted(by: { $0.rawValue < $1.rawValue }) { advance(outgoing: handle, &endpoint, now) }
    for handle in incoming.keys.sorted(by: { $0.rawValue < $1.rawValue }) { advance(incoming: handle, &endpoint, now) }
  }

  private func beginCalls(_ endpoint: inout RxEndpoint, _ now: MonotonicTime) {
    while let job = waiting.last {
      guard .zero + job.start <= now else { return wake(at: .zero + job.start) }
      waiting.removeLast()
      let target = RxTarget(
        peer: peer, service: job.service, security: job.isSecure ? Self.securityReference : .none)
      let options = RxCallOptions(deadline: job.deadline, deadTime: job.deadTime, isExclusive: job.isExclusive)
      let handle = endpoint.openCall(to: target, options: options, now: now)
      outgoing[handle] = Outgoing(job: job, openedAt: now)
      if let delay = job.cancelAfter { wake(at: now + delay) }
      send(handle, &endpoint, now)
    }
  }

  private func advance(outgoing handle: RxCallHandle, _ endpoint: inout RxEndpoint, _ now: MonotonicTime) {
    guard let call = outgoing[handle] else { return }
    if let delay = call.job.cancelAfter, call.openedAt + delay <= now, !call.isCancelled {
      outgoing[handle]!.isCancelled = true
      return endpoint.abort(handle, Self.cancelCode, now: now)
    }
    if let time = call.readsAgainAt, time <= now {
      outgoing[handle]!.readsAgainAt = nil
      readReply(handle, &endpoint, now)
    }
  }

  private func advance(incoming handle: RxCallHandle, _ endpoint: inout RxEndpoint, _ now: MonotonicTime) {
    guard let call = incoming[handle] else { return }
    if let time = call.readsAgainAt, time <= now {
      incoming[handle]!.readsAgainAt = nil
      readRequest(handle, &endpoint, now)
    }
    if let time = call.repliesAt, time <= now {
      incoming[handle]?.repliesAt = nil
      incoming[handle]?.isReplying = true
      writeReply(handle, &endpoint, now)
    }
  }

  // MARK: Events

  func received(_ event: RxEvent, on endpoint: inout RxEndpoint, now: MonotonicTime) {
    switch event {
    case .incoming(let handle, let call):
      if !Self.services.contains(call.service) { ledger.violated("a call to service \(call.service) came in") }
      if incoming.updateValue(Incoming(), forKey: handle) != nil { ledger.violated("a call came in twice") }
    case .readable(let handle):
      if outgoing[handle] != nil {
        readReply(handle, &endpoint, now)
      } else if incoming[handle] != nil {
        readRequest(handle, &endpoint, now)
      } else {
        ledger.violated("readable: an unknown call")
      }
    case .writable(let handle):
      if outgoing[handle] != nil {
        send(handle, &endpoint, now)
      } else if incoming[handle] != nil {
        writeReply(handle, &endpoint, now)
      } else {
        ledger.violated("writable: an unknown call")
      }
    case .completed(let handle, let completion): completed(handle, completion, &endpoint, now)
    }
  }

  private func completed(
    _ handle: RxCallHandle, _ completion: RxCompletion, _ endpoint: inout RxEndpoint, _ now: MonotonicTime
  ) {
    if let call = outgoing[handle] {
      // What has come is still there to be read, at once and in whole.
      outgoing[handle]!.readsAgainAt = nil
      readReply(handle, &endpoint, now, isEnded: true)
      finish(outgoing[handle] ?? call, completion, now)
      outgoing[handle] = nil
    } else if let call = incoming.removeValue(forKey: handle) {
      if let job = call.job {
        ledger.served(job, completion, replied: call.isReplied, isMute: endpoint.isMute(to: peer, now: now))
      }
    } else {
      ledger.violated("completed: an unknown call")
    }
    endpoint.release(handle, now: now)
  }

  private func finish(_ call: Outgoing, _ completion: RxCompletion, _ now: MonotonicTime) {
    if completion == .success, isProtected(call.job), call.received != call.job.replyCount || !call.isAtEnd {
      ledger.violated(
        "call \(call.job.id): success with \(call.received) of \(call.job.replyCount) bytes, end \(call.isAtEnd)")
    }
    ledger.ended(call.job, completion, age: now - call.openedAt, cancelled: call.isCancelled)
  }
}
