import AFSBase
import AFSTypes

/// Four channels between us and a peer's service, under one security context; client or server side.
struct RxConnection: ~Copyable {
  let isClient: Bool
  let peer: Int
  let address: RxAddress
  let epoch: UInt32
  /// The channel bits are zero.
  let cid: UInt32
  private(set) var serviceID: ServiceID
  /// Client: the first packets ask for the service's successor; whose packets come back says which it is.
  var probesUpgrade = false
  let securityIndex: UInt8
  var channels = [4 of RxChannel](repeating: RxChannel())
  var callCount = 0
  private(set) var lastSerial = Serial.none
  /// Client: when a challenge was last answered.
  private var respondedAt: MonotonicTime?

  /// Client: what the connection can be shared by.
  let target: RxTarget?
  /// Client: stands in the list of connections with a free channel.
  var isListed = false
  /// Client: the server has answered on it.
  var isGreeted = false
  /// Must take no new call: it failed, or its security class has had enough.
  var isRetired = false
  /// Seals and opens packets; nil for rxnull, which costs nothing.
  let protection: (any RxPacketProtection)?
  let clientSecurity: (any RxClientConnectionSecurity)?
  let serverSecurity: (any RxServerConnectionSecurity)?
  var challenge = RepeatSchedule()
  /// Server: calls wait until the client has answered a ping.
  let checksReachability: Bool
  var reach = RepeatSchedule()
  /// Server: a call of it was handed to the service.
  var hasServed = false
  /// Client: when the replies of ended calls are acknowledged which no further call has acknowledged.
  var finalAcksAt: MonotonicTime?
  /// Server: what the connection failed with; told to whoever still uses it.
  var failure: AbortCode?
  /// Place in the list of idle connections.
  var idle = IdleLink()

  init(
    client target: RxTarget, peer: Int, epoch: UInt32, cid: UInt32, securityIndex: UInt8,
    security: (any RxClientConnectionSecurity)?
  ) {
    isClient = true
    self.peer = peer
    address = target.peer
    self.epoch = epoch
    self.cid = cid
    serviceID = target.service
    self.securityIndex = securityIndex
    self.target = target
    clientSecurity = security
    serverSecurity = nil
    protection = security
    checksReachability = false
  }

  init(
    server header: RxHeader, peer: Int, address: RxAddress, security: (any RxServerConnectionSecurity)?,
    service: ServiceID, checksReachability: Bool, firstSerial: Serial
  ) {
    isClient = false
    self.peer = peer
    self.address = address
    epoch = header.epoch
    cid = header.connectionID
    serviceID = service
    securityIndex = header.securityIndex
    target = nil
    clientSecurity = nil
    serverSecurity = security
    protection = security
    self.checksReachability = checksReachability
    lastSerial = firstSerial
  }

  /// Client: whether a challenge is answered now. The answer is long and may be costly: one in a quarter of a second,
  /// eight times as often as servers ask.
  mutating func mayRespond(now: MonotonicTime) -> Bool {
    if let respondedAt, respondedAt + .milliseconds(250) > now { return false }
    respondedAt = now
    return true
  }

  /// Server: packets are counted from elsewhere.
  mutating func renewSerials(from serial: Serial) { lastSerial = serial }

  mutating func nextSerial() -> Serial {
    lastSerial += 1
    if lastSerial == .none { lastSerial += 1 }
    return lastSerial
  }

  /// Client: a packet came which names `service`.
  @inline(__always)
  mutating func answered(by service: UInt16) {
    guard probesUpgrade, service != serviceID.rawValue else { return }
    serviceID = ServiceID(service)
    probesUpgrade = false
  }

  /// Whether calls may be handed to the service.
  var isAuthenticated: Bool { serverSecurity?.isAuthenticated ?? true }

  /// When a question must be repeated, or final acks be sent.
  var nextTimer: MonotonicTime? {
    var first = finalAcksAt
    for time in [challenge.nextAt, reach.nextAt] {
      guard let time else { continue }
      if let known = first, known <= time { continue }
      first = time
    }
    return first
  }

  var hasFreeChannel: Bool { callCount < 4 }

  /// The free channel that has been idle for longest.
  func freeChannel() -> Int? {
    var best: Int?
    for index in 0..<4 where channels[index].isFree {
      if let other = best, channels[other].freeSince <= channels[index].freeSince { continue }
      best = index
    }
    return best
  }

  /// Client: for each channel the number of the call under way, or else of the next one; 0 where there was none yet
  /// (OpenAFS src/rx/rx.c, rxi_GetCallNumberVector).
  var callNumbers: [4 of UInt32] {
    var numbers: [4 of UInt32] = [0, 0, 0, 0]
    for index in 0..<4 where channels[index].callNumber != .connection {
      let number = channels[index].callNumber
      numbers[index] = (channels[index].isFree ? number.next : number).rawValue
    }
    return numbers
  }

  /// A header for a packet of this connection, with a new serial.
  mutating func header(
    _ type: PacketType, callNumber: CallNumber, channel: Int, flags: PacketFlags = []
  ) -> RxHeader {
    RxHeader(
      epoch: epoch, cid: cid | UInt32(channel), callNumber: callNumber, serial: nextSerial(), type: type,
      flags: isClient ? flags.union(.clientInitiated) : flags, securityIndex: securityIndex,
      serviceID: serviceID.rawValue)
  }
}
