import AFSBase
import AFSTypes

/// One call: its two streams, its acknowledgements, its timers. Owned by the endpoint, which does what the parts decide.
struct RxCall: ~Copyable {
  let isClient: Bool
  /// Slab indices; meaningless once the call has ended.
  let connection: Int
  let peer: Int
  let channel: Int
  let callNumber: CallNumber
  var phase: CallPhase
  /// What the tables note of it.
  var measure: CallMeasure
  /// For the tables, when its connection is gone.
  let service: ServiceID
  var receive: ReceiveWindow
  var transmit: TransmitWindow
  var ack: AckScheduler
  var congestion: CongestionControl
  var life: CallLife
  var timers = CallTimers()
  /// When DATA was last sent.
  var lastDataAt: MonotonicTime?
  /// Questions in a row after packets that were acknowledged only softly.
  var softChecks = 0
  /// Retransmission timeouts in a row; doubles the next.
  var timeoutsInRow = 0
  var statistics = RxCallStatistics()
  /// Client: when it got its channel.
  var boundAt = MonotonicTime.zero
  /// Client: set while the call waits for a channel.
  var queued: QueuedCall?
  /// The latest ping under way.
  var pingSerial = Serial.none
  var pingSentAt = MonotonicTime.zero
  /// What the peer had acknowledged for good when it was sent.
  var pingBase = Seq.first

  /// Client: the highest serial that came from the server.
  private var highestSerial = Serial.none
  /// The driver will not name the call again.
  var isReleased = false
  /// Transmissions of a large packet that did not arrive, though a ping after each was answered.
  var sizeEvidence = 0
  /// When the packet was sent whose loss was counted last.
  var sizeEvidenceAt: MonotonicTime?
  /// A padded ping is to be sent.
  var isProbeWanted = false
  /// Stands in the endpoint's list of calls with something to send.
  var isQueuedToSend = false
  /// A `.readable` event is on its way.
  var isReadableAnnounced = false
  /// `write` refused bytes; a `.writable` event is owed.
  var isWritableOwed = false
  /// Server: stands in its peer's list of calls that wait for the proof of its address.
  var isBlocked = false
  /// Server: was announced though its client's address was not proven.
  var isOnTrust = false
  /// Server: an ack told the client, before the call was announced, which packets have come. It does not repeat those,
  /// so that the call must not be forgotten.
  var hasPromised = false
  /// Server: acks left that out, so that the call may be forgotten; owed when it is announced.
  var hasWithheld = false
  /// Server: counts in its host's share of the places of half-open calls.
  var countsForHost = false
  /// Server: the driver knows of the call.
  var isAnnounced = false
  /// Server: announced, and the driver has not begun with it.
  var isWaiting = false

  init(
    isClient: Bool, connection: Int, peer: Int, channel: Int, callNumber: CallNumber, life: CallLife,
    configuration: RxEndpointConfiguration, knownPath: PathMemory.Finding?, service: ServiceID, now: MonotonicTime
  ) {
    self.isClient = isClient
    self.connection = connection
    self.peer = peer
    self.channel = channel
    self.callNumber = callNumber
    phase = CallPhase(isClient: isClient)
    measure = CallMeasure(startedAt: now)
    self.service = service
    receive = ReceiveWindow(window: configuration.receiveWindow)
    transmit = TransmitWindow(window: configuration.transmitWindow)
    ack = AckScheduler(window: configuration.receiveWindow, rules: AckRules(configuration))
    congestion = CongestionControl(
      algorithm: configuration.congestionAlgorithm, startingAt: knownPath,
      windowMax: configuration.transmitWindow)
    self.life = life
  }

  /// Client: takes the serial of a server's packet in.
  /// - Returns: false when it cannot be of the process that sent the former ones: the server was started anew. A server
  ///   of ours begins with a random serial; with stock ones, which begin with 1, it shows on old connections only. As
  ///   long as nothing was promised, a jump is no matter: that server, or one that has forgotten the connection for
  ///   want of room (`FirstSerials`), begins the call when it is repeated.
  mutating func isContinued(by serial: Serial) -> Bool {
    guard isClient, serial != .none else { return true }
    guard highestSerial != .none else {
      highestSerial = serial
      return true
    }
    guard abs(serial - highestSerial) <= Self.serialGapMax else { return beginsAnew(with: serial) }
    highestSerial = max(highestSerial, serial)
    return true
  }

  private mutating func beginsAnew(with serial: Serial) -> Bool {
    let hasPromise = phase.step != .sendingRequest || transmit.largestAcknowledged > TransmitOrder(0)
    guard !hasPromise else { return false }
    highestSerial = serial
    transmit.lastAckSerial = .none
    return true
  }

  /// Seconds of packets at 100,000 a second, late or lost.
  private static let serialGapMax = 1 << 18

  /// The next packet that may be sent now.
  var nextToTransmit: Seq? { transmit.nextToTransmit(congestionWindow: congestion.window) }

  /// Both of two packets that follow each other may be sent now, and the second for the first time.
  func mayTransmit(_ first: Seq, and second: Seq) -> Bool {
    transmit.mayTransmit(first, and: second, congestionWindow: congestion.window)
  }

  /// Our own congestion window holds packets back, not the peer's window.
  var isCongestionLimited: Bool {
    transmit.inFlight >= congestion.window - 1 || transmit.lostCount > 0
  }

  /// Anything to send now?
  var hasOutput: Bool { ack.isDue || isProbeWanted || nextToTransmit != nil }

  var nextTimer: MonotonicTime? { timers.earliest(with: ack.deadline) }
}
