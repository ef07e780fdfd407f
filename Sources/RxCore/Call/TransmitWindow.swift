import AFSBase
import AFSTypes

/// A packet of ours between `write` and its acknowledgement.
struct TransmitSlot: BitwiseCopyable {
  enum State: BitwiseCopyable {
    case empty
    /// Never sent.
    case queued
    case inFlight
    /// To be sent again.
    case lost
    /// Received by the peer, which may yet drop it ("soft" acknowledgement).
    case acknowledged
  }

  var block: UnsafeMutableRawPointer?
  var state = State.empty
  var isLast = false
  var hasBeenRepeated = false
  /// Last sent together with others in one datagram.
  var isInJumbogram = false
  var checksum: UInt16 = 0
  /// Bytes of the body, header and trailer of the security class included.
  var count: Int32 = 0
  var serial = Serial.none
  var order = TransmitOrder(0)
  var sentAt = MonotonicTime.zero
}

/// Our byte stream of one call: split into packets, sent, sent again, and forgotten once acknowledged.
///
/// ```
///   base <= nextUnsent <= end
///   first not hard-acked  first never sent  one past the last whole packet; a part of the next may lie in `tail`
/// ```
struct TransmitWindow: ~Copyable {
  var slots = PacketRing(empty: TransmitSlot())
  var base = Seq.first
  private(set) var nextUnsent = Seq.first
  private(set) var end = Seq.first
  /// Packets before it have been sealed; all have whenever no `write` or `flush` is under way.
  private var sealedEnd = Seq.first
  /// The last packet has been queued.
  var isClosed = false
  var tail: UnsafeMutableRawPointer?
  var tailCount = 0
  /// Whole packets kept at most.
  private let queueMax: Int
  /// What the peer takes beyond `base`. 16 is what a stock peer begins with (OpenAFS src/rx/rx_globals.h,
  /// rx_initReceiveWindow).
  var peerWindow = 16
  let peerWindowMax: Int

  var inFlight = 0
  var lostCount = 0
  /// Soft acknowledgements at or after `base`.
  var softAcknowledged = 0
  private(set) var latestOrder = TransmitOrder(0)
  var largestAcknowledged = TransmitOrder(0)
  /// When the packet of `largestAcknowledged` was sent.
  var largestAcknowledgedSentAt = MonotonicTime.zero
  var lastAckSerial = Serial.none
  /// Packets that may be sent beyond the congestion window, to learn what has arrived or to begin a
  /// recovery (RFC 9002 sections 7.5 and 7.3.2).
  var probes = 0
  /// Packets sent since the last one that asked for an ack, and the order of that one.
  private var sinceRequest = 0
  private var requestOrder: TransmitOrder?
  /// No packet before it is lost.
  var lostFrom = Seq.first

  init(window: Int) {
    queueMax = window
    peerWindowMax = window
  }

  deinit {
    tail?.deallocate()
    var seq = base
    while seq < end {
      slots[seq].block?.deallocate()
      seq += 1
    }
  }

  var isEmpty: Bool { base == end }
  /// All was sent and has arrived. (A client that has all of a reply never drops it, so soft acks count.)
  var isAllAcknowledged: Bool { isClosed && softAcknowledged == end - base }
  var hasSentAll: Bool { isClosed && nextUnsent == end }
  var hasUnsent: Bool { nextUnsent < end }
  var hasSentAny: Bool { nextUnsent > .first }
  var queueSpace: Int { queueMax - (end - base) }
  /// A packet that asked for an ack is under way.
  var isAckRequested: Bool { if let requestOrder { requestOrder > largestAcknowledged } else { false } }

  // MARK: Writing

  /// - Returns: bytes taken.
  mutating func write(
    _ bytes: UnsafeRawBufferPointer, isLast: Bool, bodyByteCountMax: Int, seal: PacketSeal, pool: inout PacketPool
  ) -> Int {
    guard !isClosed else { return 0 }
    let payloadMax = max(bodyByteCountMax - seal.overhead, 1)
    var taken = 0
    defer { sealPending(seal) }
    while taken < bytes.count {
      if tailCount >= payloadMax {
        guard queueSpace > 0 else { return taken }
        finishTail(isLast: false)
      }
      let block = tailBlock(byteCount: bodyByteCountMax, pool: &pool)
      let count = min(payloadMax - tailCount, bytes.count - taken)
      (block + seal.headerByteCount + tailCount).copyMemory(from: bytes.baseAddress! + taken, byteCount: count)
      tailCount += count
      taken += count
    }
    if isLast {
      _ = tailBlock(byteCount: bodyByteCountMax, pool: &pool)
      finishTail(isLast: true)
      isClosed = true
    }
    return taken
  }

  /// Makes a packet of what has been written so far.
  mutating func flush(seal: PacketSeal) {
    guard tailCount > 0 else { return }
    finishTail(isLast: false)
    sealPending(seal)
  }

  mutating func tailBlock(byteCount: Int, pool: inout PacketPool) -> UnsafeMutableRawPointer {
    if let tail { return tail }
    let block = pool.take(byteCount: min(byteCount, PacketPool.blockByteCount)).block
    tail = block
    return block
  }

  /// The packet's `count` is that of its payload until it is sealed.
  mutating func finishTail(isLast: Bool) {
    guard let block = tail else { return }
    slots.reserve(from: base, through: end)
    slots[end] = TransmitSlot(block: block, state: .queued, isLast: isLast, count: Int32(tailCount))
    end += 1
    tail = nil
    tailCount = 0
  }

  /// Seals new packets, four or two at a time, for that is what ciphers are fast at.
  mutating func sealPending(_ seal: PacketSeal) {
    guard let protection = seal.protection else {
      sealedEnd = end
      return
    }
    while end - sealedEnd >= 4 {
      let sealed = protection.seal([
        seal.unsealed(slots[sealedEnd], sealedEnd), seal.unsealed(slots[sealedEnd + 1], sealedEnd + 1),
        seal.unsealed(slots[sealedEnd + 2], sealedEnd + 2), seal.unsealed(slots[sealedEnd + 3], sealedEnd + 3),
      ])
      for index in 0..<4 { noteSealed(sealed[index]) }
    }
    if end - sealedEnd >= 2 {
      let (first, second) = protection.seal(
        seal.unsealed(slots[sealedEnd], sealedEnd), seal.unsealed(slots[sealedEnd + 1], sealedEnd + 1))
      noteSealed(first)
      noteSealed(second)
    }
    if sealedEnd < end {
      let last = seal.unsealed(slots[sealedEnd], sealedEnd)
      noteSealed(protection.seal(last.body, payloadByteCount: last.payloadByteCount, of: last.identity))
    }
  }

  private mutating func noteSealed(_ packet: RxSealedPacket) {
    slots[sealedEnd].checksum = packet.checksum
    slots[sealedEnd].count = Int32(packet.byteCount)
    sealedEnd += 1
  }

  // MARK: Sending

  /// The packet to send next; nil when the window, the congestion window or the queue forbids.
  func nextToTransmit(congestionWindow: Int) -> Seq? {
    guard inFlight < congestionWindow || probes > 0 else { return nil }
    if lostCount > 0 {
      var seq = max(base, lostFrom)
      while seq < nextUnsent {
        if slots[seq].state == .lost { return seq }
        seq += 1
      }
    }
    guard nextUnsent < end, nextUnsent - base < min(peerWindow, peerWindowMax) else { return nil }
    return nextUnsent
  }

  /// Whether `second` could be sent right after `first`, the next to be sent: new packets only.
  func mayTransmit(_ first: Seq, and second: Seq, congestionWindow: Int) -> Bool {
    lostCount == 0 && first == nextUnsent && second < end && inFlight + 1 < congestionWindow
      && second - base < min(peerWindow, peerWindowMax)
  }

  /// Packets wait to be sent, for the first time or again.
  var hasWaiting: Bool { hasUnsent || lostCount > 0 }

  /// A timer must run: packets are under way, or wait for what only the peer can give, or may yet be dropped by it.
  var needsGuarding: Bool { inFlight > 0 || hasWaiting || isOnlySoftlyAcknowledged }

  /// Nothing is under way or waiting, but the peer has promised to keep only what it has read.
  var isOnlySoftlyAcknowledged: Bool { softAcknowledged > 0 && inFlight == 0 && !hasWaiting }

  /// When the last packet was sent, if that was all and it was sent once: a reply measures the round trip from there.
  var replySampleSentAt: MonotonicTime? {
    guard nextUnsent == end, base < end else { return nil }
    let slot = slots[end - 1]
    return slot.hasBeenRepeated ? nil : slot.sentAt
  }

  /// The first packet that has not been acknowledged was part of a jumbogram.
  var isFirstInJumbogram: Bool { base < nextUnsent && slots[base].isInJumbogram }

  /// Packets wait although there is nothing under way which could be acknowledged: only the peer can open the window.
  var isStalled: Bool { hasUnsent && inFlight == 0 && lostCount == 0 }

  mutating func transmitted(_ seq: Seq, serial: Serial, now: MonotonicTime) {
    probes = max(0, probes - 1)
    if slots[seq].state == .lost {
      lostCount -= 1
      lostFrom = seq + 1
      slots[seq].hasBeenRepeated = true
    } else if seq == nextUnsent {
      nextUnsent += 1
    }
    latestOrder += 1
    sinceRequest += 1
    slots[seq].state = .inFlight
    slots[seq].isInJumbogram = false
    slots[seq].serial = serial
    slots[seq].order = latestOrder
    slots[seq].sentAt = now
    inFlight += 1
  }

  /// Whether the packet just transmitted should ask for an ack: repeated ones, and the last before a standstill,
  /// unless one sent shortly before has asked.
  mutating func takeAckRequest(_ seq: Seq, isStandstill: Bool) -> Bool {
    let isWanted = slots[seq].hasBeenRepeated || isStandstill && (sinceRequest >= 4 || !isAckRequested)
    guard isWanted else { return false }
    sinceRequest = 0
    requestOrder = slots[seq].order
    return true
  }

  // MARK: Forgetting

  /// Everything sent counts as received.
  mutating func acknowledgeSent(pool: inout PacketPool) {
    while base < nextUnsent { releaseFirst(pool: &pool) }
    inFlight = 0
    lostCount = 0
    softAcknowledged = 0
    largestAcknowledged = latestOrder
  }

  mutating func releaseFirst(pool: inout PacketPool) {
    if let block = slots[base].block { pool.give(block, capacity: PacketPool.blockByteCount) }
    slots.clear(base)
    base += 1
  }

  /// Gives all memory back; nothing more will be sent or taken.
  mutating func drain(pool: inout PacketPool) {
    nextUnsent = end
    acknowledgeSent(pool: &pool)
    if let tail { pool.give(tail, capacity: PacketPool.blockByteCount) }
    tail = nil
    tailCount = 0
    isClosed = true
  }
}

/// Seals the packets of one direction of one call.
struct PacketSeal {
  let protection: (any RxPacketProtection)?
  let callNumber: CallNumber
  let channel: Int
  let isFromClient: Bool
  let headerByteCount: Int
  /// Bytes of header and trailer at most.
  let overhead: Int

  init(protection: (any RxPacketProtection)?, callNumber: CallNumber, channel: Int, isFromClient: Bool) {
    self.protection = protection
    self.callNumber = callNumber
    self.channel = channel
    self.isFromClient = isFromClient
    headerByteCount = protection?.headerByteCount ?? 0
    overhead = headerByteCount + (protection?.trailerByteCountMax ?? 0)
  }

  @inline(__always)
  func unsealed(_ slot: TransmitSlot, _ seq: Seq) -> RxUnsealedPacket {
    RxUnsealedPacket(
      body: UnsafeMutableRawBufferPointer(start: slot.block, count: PacketPool.blockByteCount),
      payloadByteCount: Int(slot.count),
      identity: RxPacketIdentity(
        callNumber: callNumber.rawValue, channel: UInt8(channel), seq: seq.rawValue, isFromClient: isFromClient,
        isLast: slot.isLast))
  }
}
