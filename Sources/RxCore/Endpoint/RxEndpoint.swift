public import AFSBase
public import AFSTypes
import DequeModule

/// One UDP port's worth of Rx: client and server side of the protocol as a value without I/O.
///
/// Three kinds of method: *input* (`receive`, `received...`, `timeout`), *commands* (`openCall`, `write`,
/// `read`, `abort`, `release`, `register...`), *output* (`nextTransmit`, `nextEvent`, `nextTimeout`). After inputs and
/// commands the driver asks for output until there is none. Time must not run backwards.
///
/// Owned by one thread (or by the simulation); not shared.
public struct RxEndpoint: ~Copyable {
  let configuration: RxEndpointConfiguration
  /// What tells this run of the port from others; the same for all lanes of a port.
  public let epoch: UInt32
  let lane: RxLane
  /// Epochs, ids, nonces and serials: peers see some, and must not guess the others.
  var generator: KeyedGenerator
  var nextConnectionID: UInt32
  var isShutDown = false

  // Everything that lives: calls, connections, peers, and how they are found.
  var calls = Slab<RxCall>()
  var connections = Slab<RxConnection>()
  var peers = Slab<RxPeer>()
  var peersByAddress: [RxAddress: Int] = [:]
  /// Names of peers without connections, since when; those that have one again are among them until their turn comes.
  var idlePeers: Deque<(name: UInt64, since: MonotonicTime)> = []
  /// Our client connections by cid; the epoch is ours.
  var clientConnections: [UInt32: Int] = [:]
  var serverConnections: [ServerConnectionKey: Int] = [:]
  /// Client connections with a free channel, the latest used last.
  var availableConnections: [RxTarget: [Int]] = [:]
  var targets: [RxTarget: TargetQueue] = [:]
  /// Client calls that wait for a channel.
  var queuedCallCount = 0
  var lastTicket = 0
  var idleClientConnections = IdleList()
  var idleServerConnections = IdleList()
  /// Client connections without calls which take no more: they answer stragglers.
  var lingeringConnections = IdleList()

  // What we serve, and with which security.
  var services: [ServiceID: ServiceEntry] = [:]
  var clientSecurities: [RxClientSecurityReference: any RxClientSecurity] = [:]
  /// Service calls announced which the driver has not begun with.
  var waitingCalls = 0
  /// Service calls not announced yet, those included which can be at once and so need no place (`RxEndpoint+HalfOpen`).
  var halfOpenCalls = 0
  /// Service calls under way that were announced before their client had proven its address; they count until they end,
  /// proven meanwhile or not.
  var callsOnTrust = 0
  /// Names of calls with a place, in the order in which they came; some may have been announced since, or are no more.
  var halfOpenOrder: Deque<UInt64> = []
  /// How many calls of each host, whatever the port, took a place when its address was proven already.
  var halfOpenByHost: [RxAddress: Int] = [:]
  /// What questions for proofs carry.
  let addressCookie: AddressCookie
  /// Who has answered one while there was no record of it.
  var provenStrangers = ProvenStrangers()
  var strangerCredit = StrangerCredit()
  /// Where the serials of clients' connections begin.
  let firstSerials: FirstSerials

  // Timers and output.
  var callTimers = TimerTable()
  var connectionTimers = TimerTable()
  var peerTimers = TimerTable()
  var datagrams = DatagramQueue()
  /// Names of calls with something to send.
  var sendQueue: Deque<UInt64> = []
  var events: Deque<RxEvent> = []
  var pool = PacketPool()
  var securityRefusals: SecurityRefusals
  /// Answers to packets that belong to no call: a flood of those must not become a flood of ours.
  var strayAnswers: RateLimit
  var versionAnswers: RateLimit
  var debugAnswers: RateLimit
  static let debugAnswersPerSecond = 1000
  /// Questions whose answers other lanes have a share in.
  var debugInquiries: Deque<RxDebugInquiry> = []

  // What has happened.
  var operations = OperationTable()
  var packets = RxPacketCounts()
  var traffic = RxTraffic()

  /// An endpoint without calls and services.
  ///
  /// - Parameters:
  ///   - configuration: limits and times; fixed for its life.
  ///   - key: where random numbers (epoch, connection ids, challenges) come from; nobody else may know it.
  ///   - now: the present time, on the clock of all times that follow.
  ///   - lane: which share of the port's connections is this endpoint's.
  public init(configuration: RxEndpointConfiguration, key: RandomKey, now: MonotonicTime, lane: RxLane = .only) {
    self.configuration = configuration
    self.lane = lane
    generator = KeyedGenerator(key: key)
    let random = RxEpoch.random(using: &generator)
    addressCookie = AddressCookie(lane: lane, using: &generator)
    firstSerials = FirstSerials(using: &generator)
    epoch = lane.epoch ?? random
    nextConnectionID = lane.connectionID(from: UInt32(truncatingIfNeeded: generator.next()))
    securityRefusals = SecurityRefusals(now: now)
    strayAnswers = RateLimit(perSecond: 1000, now: now)
    versionAnswers = RateLimit(perSecond: 50, now: now)
    debugAnswers = RateLimit(perSecond: Self.debugAnswersPerSecond, now: now)
  }

  /// For tests and simulations: random numbers that come again with the same seed.
  public init(configuration: RxEndpointConfiguration, seed: UInt64, now: MonotonicTime, lane: RxLane = .only) {
    self.init(configuration: configuration, key: RandomKey(seed: seed), now: now, lane: lane)
  }

  // MARK: Input

  /// A datagram arrived. Never traps on any content.
  public mutating func receive(_ datagram: UnsafeRawBufferPointer, from source: RxAddress, now: MonotonicTime) {
    guard !isShutDown else { return }
    traffic.received(bytes: datagram.count)
    guard let header = RxHeader(datagram), let type = PacketType(rawValue: header.type) else {
      return packets.countReceived(type: 0)
    }
    packets.countReceived(type: header.type)
    route(
      ReceivedPacket(header: header, type: type, body: datagram.dropping(RxHeader.byteCount)), from: source, now: now)
  }

  /// The socket's error queue reported `errno` for packets sent to `peer`: ends the calls it concerns.
  public mutating func receivedNetworkError(_ errno: Int32, from peer: RxAddress, now: MonotonicTime) {
    failCalls(of: peer, errno: errno, now: now)
  }

  /// `nextTimeout` has passed.
  public mutating func timeout(now: MonotonicTime) {
    while let index = callTimers.nextDue(now: now) { callTimerPassed(index, now: now) }
    while let index = connectionTimers.nextDue(now: now) { connectionTimerPassed(index, now: now) }
    while let index = peerTimers.nextDue(now: now) { peerTimerPassed(index, now: now) }
    expireIdleConnections(now: now)
  }

  // MARK: Commands

  /// Calls to `service` are accepted from now on; without it they are refused.
  ///
  /// - Parameters:
  ///   - service: the number that clients name.
  ///   - checksReachability: whether a client must answer a ping before its first call is served (and again after a
  ///     minute), so that nobody is served, or flooded with replies, under a forged address. File servers do.
  public mutating func register(service: ServiceID, checksReachability: Bool = false) {
    services[service, default: ServiceEntry()].checksReachability = checksReachability
  }

  /// Calls to `service` may come protected by `security`, beside those without protection.
  public mutating func register(_ security: any RxServerSecurity, for service: ServiceID) {
    services[service, default: ServiceEntry()].securities[security.securityIndex] = security
  }

  /// Connections of clients that ask for `service`'s successor get it: their calls are those of `successor` (Linux:
  /// RXRPC_UPGRADEABLE_SERVICE). Both must have been registered; other clients get `service` as before.
  public mutating func upgrade(_ service: ServiceID, to successor: ServiceID) {
    services[service]?.successor = successor
  }

  /// Makes a client's security known; targets name it by the reference returned.
  public mutating func register(_ security: any RxClientSecurity) -> RxClientSecurityReference {
    var raw = UInt32(clientSecurities.count) + 1
    while clientSecurities[RxClientSecurityReference(rawValue: raw)] != nil { raw += 1 }
    let reference = RxClientSecurityReference(rawValue: raw)
    clientSecurities[reference] = security
    return reference
  }

  /// Makes a client's security known under a reference which the driver chose. The last one given counts.
  public mutating func register(_ security: any RxClientSecurity, as reference: RxClientSecurityReference) {
    clientSecurities[reference] = security
  }

  /// New calls that name the reference go out under `security`; connections under the one before take none, and end
  /// when idle.
  public mutating func replace(_ reference: RxClientSecurityReference, with security: any RxClientSecurity) {
    retireConnections(of: reference)
    clientSecurities[reference] = security
  }

  /// The reference will not be used for new calls any more; its connections take none and end when idle.
  public mutating func unregister(_ reference: RxClientSecurityReference, now: MonotonicTime) {
    clientSecurities[reference] = nil
    retireConnections(of: reference)
    for target in targets.keys where target.security == reference { admitQueued(to: target, now: now) }
  }

  /// Starts a client call on a connection to `target`, opening a connection if none has a free channel. If it must wait
  /// for one, `write` takes nothing until `.writable`.
  public mutating func openCall(to target: RxTarget, options: RxCallOptions, now: MonotonicTime) -> RxCallHandle {
    RxCallHandle(rawValue: calls.name(of: startCall(to: target, options: options, now: now)))
  }

  /// Queues request bytes (client) or reply bytes (server). `isLast` closes our direction once all are taken.
  /// - Returns: how many bytes were taken; fewer than given when the queue (bounded by the window) is full:
  ///   `.writable` follows. `isLast` counts only when all bytes were taken.
  public mutating func write(
    _ call: RxCallHandle, _ bytes: UnsafeRawBufferPointer, isLast: Bool, now: MonotonicTime
  ) -> Int {
    guard let index = calls.index(of: call.rawValue) else { return 0 }
    beginWork(on: index)
    return write(index, bytes, isLast: isLast)
  }

  /// Sends what was written so far without waiting for a packet to fill.
  public mutating func flush(_ call: RxCallHandle, now: MonotonicTime) {
    guard let index = calls.index(of: call.rawValue), !calls[index].phase.hasEnded, calls[index].queued == nil else {
      return
    }
    calls[index].transmit.flush(seal: seal(for: index))
    queueToSend(index)
  }

  /// Takes in-order bytes that the peer sent; opens the receive window again.
  /// - Returns: bytes copied into `buffer`, and whether the stream's end has been reached with them.
  public mutating func read(
    _ call: RxCallHandle, into buffer: UnsafeMutableRawBufferPointer, now: MonotonicTime
  ) -> (count: Int, isAtEnd: Bool) {
    guard let index = calls.index(of: call.rawValue) else { return (0, false) }
    beginWork(on: index)
    return read(index, into: buffer, now: now)
  }

  /// What a call has carried so far; nil once it has been released.
  public func statistics(of call: RxCallHandle) -> RxCallStatistics? {
    guard let index = calls.index(of: call.rawValue) else { return nil }
    var statistics = calls[index].statistics
    if !calls[index].phase.hasEnded, calls[index].queued == nil {
      statistics.roundTrip = peers[calls[index].peer].rtt.smoothed
      statistics.service = connections[calls[index].connection].serviceID
    }
    return statistics
  }

  /// Ends the call with an ABORT to the peer. No effect on a call that has ended.
  public mutating func abort(_ call: RxCallHandle, _ code: AbortCode, now: MonotonicTime) {
    guard let index = calls.index(of: call.rawValue), !calls[index].phase.hasEnded else { return }
    abort(index, code, as: .abortedLocally(code), now: now)
  }

  /// The driver will not name this call again. A call that has not ended is aborted first, but for a service's call
  /// whose reply was written to its end: that is delivered.
  public mutating func release(_ call: RxCallHandle, now: MonotonicTime) {
    guard let index = calls.index(of: call.rawValue), !calls[index].isReleased else { return }
    beginWork(on: index)
    calls[index].isReleased = true
    if calls[index].phase.hasEnded {
      free(index)
    } else if calls[index].isClient || !calls[index].transmit.isClosed {
      abort(index, .rxUserAbort, as: .abortedLocally(.rxUserAbort), now: now)
    }
  }

  /// Ends all calls with `.shutDown`; what must still be sent (aborts, last acks) is left in the output.
  public mutating func shutDown(now: MonotonicTime) {
    guard !isShutDown else { return }
    for index in 0..<calls.indexEnd where calls.isOccupied(index) && !calls[index].phase.hasEnded {
      let isWaited =
        calls[index].isClient
        ? calls[index].transmit.hasSentAny
        : !calls[index].transmit.hasSentAll && mayAnswer(calls[index].connection, 32, now: now)
      if isWaited {
        sendAbort(of: index, calls[index].isClient ? .rxUserAbort : .rxRestarting)
      }
      complete(index, .failure(.shutDown), ending: .silent, now: now)
    }
    sendAllOwedFinalAcks()
    isShutDown = true
  }

  // MARK: Output

  /// Fills `buffer` (64 KiB) with the next datagram, or with several of equal size for one destination.
  public mutating func nextTransmit(into buffer: UnsafeMutableRawBufferPointer, now: MonotonicTime) -> RxTransmit? {
    guard let transmit = takeTransmit(into: buffer, now: now) else { return nil }
    let count = (transmit.byteCount + transmit.segmentSize - 1) / max(transmit.segmentSize, 1)
    // The type's place in the header.
    packets.countSent(type: transmit.byteCount >= RxHeader.byteCount ? buffer[20] : 0, count)
    traffic.sent(packets: count, bytes: transmit.byteCount)
    return transmit
  }

  private mutating func takeTransmit(into buffer: UnsafeMutableRawBufferPointer, now: MonotonicTime) -> RxTransmit? {
    if let datagram = datagrams.next(into: buffer) { return datagram }
    while let name = sendQueue.popFirst() {
      guard let index = calls.index(of: name) else { continue }
      calls[index].isQueuedToSend = false
      guard !calls[index].phase.hasEnded else { continue }
      if let transmit = transmit(index, into: buffer, now: now) {
        let count = (transmit.byteCount + transmit.segmentSize - 1) / max(transmit.segmentSize, 1)
        peers[calls[index].peer].traffic.sent(packets: count, bytes: transmit.byteCount)
        return transmit
      }
    }
    // A call that may not send yet can have left a question.
    return datagrams.next(into: buffer)
  }

  /// What a security class has refused since the last look; each peer and code comes once an hour, 60 in all a minute.
  public mutating func nextSecurityRefusal() -> RxSecurityRefusal? { securityRefusals.next() }

  public mutating func nextEvent() -> RxEvent? {
    while let event = events.popFirst() {
      guard let index = calls.index(of: event.call.rawValue), !calls[index].isReleased else { continue }
      if case .readable = event { calls[index].isReadableAnnounced = false }
      return event
    }
    return nil
  }

  /// When `timeout` wants to be called; nil for never. It may want nothing then but to name a later time.
  public var nextTimeout: MonotonicTime? {
    var first = callTimers.earliest
    for time in [connectionTimers.earliest, peerTimers.earliest, nextIdleExpiry] {
      guard let time else { continue }
      if let known = first, known <= time { continue }
      first = time
    }
    return first
  }
}

/// All that an endpoint refers to is its own: it may move to another thread as a whole.
extension RxEndpoint: @unchecked Sendable {}

/// What is known of a service of ours.
struct ServiceEntry {
  /// By security index; index 0 needs none.
  var securities: [UInt8: any RxServerSecurity] = [:]
  var checksReachability = false
  /// What clients get instead that ask for it.
  var successor: ServiceID?
}

/// A datagram taken apart; borrows its bytes.
struct ReceivedPacket {
  let header: RxHeader
  let type: PacketType
  let body: UnsafeRawBufferPointer
}
