import AFSBase

/// Decides when a call acknowledges what it received, and with which reason: the one place that does.
///
/// | Reason | When |
/// |---|---|
/// | `duplicate`, `exceedsWindow`, `outOfSequence` | at once: the sender is wrong about what we have |
/// | `requested` | a packet asked: at once, or after `requestedDelay` |
/// | `idle` | as many packets as the peer's window calls for, every second where its congestion window may be small, or the packet that filled a gap: at once |
/// | `delay` | fewer packets: after `softDelay`. The reader took packets: at once if the peer may wait for the room, else after `idleDelay` |
/// | `ping`, `pingResponse` | we want a sign of life; the peer does: at once |
///
/// (OpenAFS src/rx/rx.c: rxi_ReceiveDataPacket, rx_ReadProc, rxi_ReceiveAckPacket; Linux net/rxrpc: call_event.c,
/// recvmsg.c.) `noSpace` is never sent: memory for a window is not refused.
///
/// Acks are not sent at once but left `pending` until the driver asks for datagrams: a batch of received packets is
/// answered with one ack.
struct AckScheduler: BitwiseCopyable {
  struct Pending: BitwiseCopyable {
    var reason: AckReason
    var serial: Serial
  }

  private let rules: AckRules
  private(set) var pending: Pending?
  /// What is proposed when the deadline passes.
  private var deferred: Pending?
  private(set) var deadline: MonotonicTime?
  /// Answer owed to a ping.
  private var pingSerial: Serial?
  /// We want to ping.
  private var isPingWanted = false
  /// New packets since the last ack.
  private var unacknowledged = 0
  /// So many new packets are still acknowledged in pairs at least, since the sender's congestion window may be smaller
  /// than `packetsPerAck`: it would wait for us, and we for it. Senders of OpenAFS ask for acks up to a congestion
  /// window of two packets, and rely on one for every second packet then (src/rx/rx.c, rxi_SendList and
  /// rxi_ReceiveDataPacket; rx_globals.h, rxi_SoftAckRate).
  private var pairsLeft: Int?
  /// What the last ack said: everything before is received; the window ends there.
  private var advertisedFirst = Seq.first
  private var advertisedEdge: Seq

  init(window: Int, rules: AckRules) {
    self.rules = rules
    advertisedEdge = Seq.first + window
  }

  /// Anything to send?
  var isDue: Bool { pending != nil || pingSerial != nil || isPingWanted }

  /// Somebody waits for it.
  var isUrgent: Bool {
    if pingSerial != nil { return true }
    switch pending?.reason {
    case .idle, .delay, nil: return false
    case .requested, .duplicate, .outOfSequence, .exceedsWindow, .noSpace, .ping, .pingResponse: return true
    }
  }

  // MARK: Events

  /// A DATA packet came.
  mutating func received(
    _ outcome: ReceiveOutcome, _ header: RxHeader, hasGap: Bool, packetsPerAck: Int, now: MonotonicTime
  ) {
    // A congestion window that grows by a packet for each that is acknowledged is wide enough after so many.
    let pairs = 4 * packetsPerAck
    switch outcome {
    case .duplicate:
      pairsLeft = pairs
      propose(.duplicate, header.serial)
    case .exceedsWindow: propose(.exceedsWindow, header.serial)
    case .beyondEnd: break
    case .outOfOrder:
      // The sender will take something for lost, and send less.
      pairsLeft = pairs
      unacknowledged += 1
      propose(.outOfSequence, header.serial)
    case .inOrder:
      unacknowledged += 1
      let left = pairsLeft ?? pairs
      pairsLeft = max(left - 1, 0)
      if header.flags.contains(.requestAck) {
        propose(.requested, header.serial, after: rules.requestedDelay, now: now)
      } else if unacknowledged >= (left > 0 ? min(2, packetsPerAck) : packetsPerAck) || hasGap {
        propose(.idle, header.serial)
      } else {
        propose(.delay, .none, after: rules.softDelay, now: now)
      }
    }
  }

  /// The reader took packets, or the limit of hard acks moved for another reason. The peer is told when it may be
  /// waiting for that, and in the end anyway.
  mutating func windowMoved(first: Seq, edge: Seq, top: Seq, packetsPerAck: Int, now: MonotonicTime) {
    let isHardAckDue = first - advertisedFirst >= packetsPerAck && unacknowledged == 0
    let isWindowDue = edge - advertisedEdge >= packetsPerAck && advertisedEdge - top <= packetsPerAck
    if isHardAckDue || isWindowDue {
      propose(.delay, .none)
    } else if first > advertisedFirst, unacknowledged == 0 {
      propose(.delay, .none, after: rules.idleDelay, now: now)
    }
  }

  mutating func receivedPing(_ serial: Serial) { pingSerial = serial }

  /// The last acks said less than they could have.
  mutating func wantAck() { propose(.idle, .none) }

  mutating func wantPing() { isPingWanted = true }

  /// The deadline may have passed.
  mutating func deadlinePassed(now: MonotonicTime) {
    guard let deadline, deadline <= now else { return }
    self.deadline = nil
    guard let ack = deferred else { return }
    deferred = nil
    // The sender may have been waiting for it.
    if unacknowledged > 1 { pairsLeft = nil }
    propose(ack.reason, ack.serial)
  }

  /// The reply acknowledges the request: nothing more is owed for what came so far.
  mutating func replied() {
    deadline = nil
    deferred = nil
    unacknowledged = 0
    if let reason = pending?.reason, reason == .idle || reason == .delay { pending = nil }
  }

  // MARK: Output

  /// The next ack to send, if any.
  mutating func next(first: Seq, edge: Seq) -> Pending? {
    if let serial = pingSerial {
      // It says all that a pending ack would.
      pingSerial = nil
      sent(first: first, edge: edge)
      return Pending(reason: .pingResponse, serial: serial)
    }
    if let ack = pending {
      sent(first: first, edge: edge)
      return ack
    }
    if isPingWanted {
      isPingWanted = false
      sent(first: first, edge: edge)
      return Pending(reason: .ping, serial: .none)
    }
    return nil
  }

  private mutating func sent(first: Seq, edge: Seq) {
    pending = nil
    deferred = nil
    deadline = nil
    unacknowledged = 0
    advertisedFirst = first
    advertisedEdge = edge
  }

  private mutating func propose(_ reason: AckReason, _ serial: Serial) {
    if let pending, Self.rank(pending.reason) > Self.rank(reason) { return }
    pending = Pending(reason: reason, serial: serial)
  }

  private mutating func propose(_ reason: AckReason, _ serial: Serial, after delay: Duration, now: MonotonicTime) {
    guard delay > .zero else { return propose(reason, serial) }
    let time = now + delay
    if let deferred, Self.rank(deferred.reason) > Self.rank(reason) {
      // It says this too.
    } else {
      deferred = Pending(reason: reason, serial: serial)
    }
    deadline = min(deadline ?? time, time)
  }

  /// Which of two reasons an ack for both gives: the one which tells the sender most.
  private static func rank(_ reason: AckReason) -> Int {
    switch reason {
    case .requested: 6
    case .duplicate: 5
    case .exceedsWindow, .noSpace: 4
    case .outOfSequence: 3
    case .idle: 2
    case .delay: 1
    case .ping, .pingResponse: 0
    }
  }
}
