public import AFSBase
import AFSTypes

/// Sizes of datagrams: what ICMP says, what vanishes, and padded pings.
extension RxEndpoint {
  /// A router reported that packets to `peer` may have `mtu` bytes (IP header included) at most.
  ///
  /// New packets are made accordingly; those under way are sent again with leave to fragment. A forged report can only
  /// lower the size, down to the floor of 576 bytes, and probing raises it again. What the kernel itself reports of its
  /// interfaces names no port (0), and concerns all peers at the address.
  public mutating func receivedPathMTU(_ mtu: Int, from peer: RxAddress, now: MonotonicTime) {
    guard peer.port == 0 else {
      if let index = peersByAddress[peer] { limitPath(to: index, mtu, now: now) }
      return
    }
    for index in 0..<peers.indexEnd where peers.isOccupied(index) {
      if peers[index].address.isSameHost(as: peer) { limitPath(to: index, mtu, now: now) }
    }
  }

  private mutating func limitPath(to index: Int, _ mtu: Int, now: MonotonicTime) {
    let peer = peers[index].address
    let ipHeader = peer.ipv4 == nil ? 40 : 20
    let before = peers[index].pathMTU.current
    peers[index].pathMTU.receivedTooBig(mtu - ipHeader - 8 - RxHeader.byteCount, now: now)
    guard peers[index].pathMTU.current < before, peers[index].callCount > 0 else { return }
    for call in 0..<calls.indexEnd where calls.isOccupied(call) {
      guard !calls[call].phase.hasEnded, calls[call].peer == index else { continue }
      calls[call].transmit.lose(largerThan: peers[index].pathMTU.current)
      queueToSend(call)
      rearm(call)
    }
  }

  /// Transmissions of a large packet which did not arrive though a ping after each was answered, until the path is taken
  /// not to carry it: with leave to fragment and all. That mere loss should look so has a chance of 1 in 10^5 at 30 %.
  static var sizeEvidenceMax: Int { 10 }
  /// Timeouts in a row after which a packet is sent with leave to fragment, and its size is suspected.
  static var suspectTimeouts: Int { 2 }

  /// The body size of the call's first packet that has not been acknowledged, if that has been sent and its size could
  /// be what keeps it from arriving.
  func suspectSize(_ call: Int) -> Int? {
    guard calls[call].transmit.hasSentAny, calls[call].timeoutsInRow >= Self.suspectTimeouts,
      calls[call].transmit.base < calls[call].transmit.nextUnsent
    else { return nil }
    let size = Int(calls[call].transmit.slots[calls[call].transmit.base].count)
    return size > PathMTU.floor ? size : nil
  }

  /// Before an ack is taken in: what the call suspects.
  func suspicion(_ call: Int) -> (seq: Seq, size: Int, sentAt: MonotonicTime)? {
    guard let size = suspectSize(call) else { return nil }
    let base = calls[call].transmit.base
    return (base, size, calls[call].transmit.slots[base].sentAt)
  }

  /// An ack has been taken in. After timeouts in a row it proves that small packets pass; if it answers a ping sent
  /// after the packet in question, which it does not acknowledge, or acknowledges that packet after leave to fragment,
  /// then size was in the way.
  /// - Returns: false when the call has ended: the path does not carry its packets at all.
  mutating func judgeSize(
    _ suspicion: (seq: Seq, size: Int, sentAt: MonotonicTime)?, isPingAnswer: Bool, _ call: Int, now: MonotonicTime
  ) -> Bool {
    guard let suspicion else { return true }
    let hasArrived =
      calls[call].transmit.base > suspicion.seq || calls[call].transmit.slots[suspicion.seq].state == .acknowledged
    guard hasArrived || isPingAnswer && calls[call].pingSentAt >= suspicion.sentAt else { return true }
    if hasArrived {
      calls[call].sizeEvidence = 0
    } else {
      // One packet lost proves no more for being asked about ten times.
      guard calls[call].sizeEvidenceAt != suspicion.sentAt else { return true }
      calls[call].sizeEvidenceAt = suspicion.sentAt
      calls[call].sizeEvidence += 1
    }
    if hasArrived || calls[call].sizeEvidence >= 2 {
      peers[calls[call].peer].pathMTU.foundBlackHole(suspicion.size, now: now)
    }
    guard calls[call].sizeEvidence >= Self.sizeEvidenceMax else { return true }
    abort(call, .rxCallTimeout, as: .unreachable(Self.messageTooLong), now: now)
    return false
  }

  /// A call ended without a sign of life. If its first packet was large, that may be why: the next call tries smaller
  /// ones.
  mutating func judgeSizeOfDead(_ call: Int, now: MonotonicTime) {
    guard calls[call].isClient, let size = suspectSize(call), calls[call].transmit.base == .first else { return }
    peers[calls[call].peer].pathMTU.foundBlackHole(size, now: now)
  }

  /// Sends a padded ping on a call under way, if one is wanted.
  mutating func probePath(_ call: Int, now: MonotonicTime) {
    let peer = calls[call].peer
    guard calls[call].life.hasBegun, !calls[call].isProbeWanted,
      peers[peer].pathMTU.nextProbe(now: now, roundTrip: peers[peer].rtt.smoothed) != nil
    else { return }
    calls[call].isProbeWanted = true
    queueToSend(call)
  }

  /// Writes the padded ping: an ack with zeros behind, which peers leave alone.
  /// - Returns: its size, 0 when none is wanted any more.
  mutating func writeProbe(_ call: Int, to bytes: UnsafeMutableRawPointer, now: MonotonicTime) -> Int {
    calls[call].isProbeWanted = false
    let peer = calls[call].peer
    guard let size = peers[peer].pathMTU.nextProbe(now: now, roundTrip: peers[peer].rtt.smoothed) else { return 0 }
    let header = connections[calls[call].connection].header(
      .ack, callNumber: calls[call].callNumber, channel: calls[call].channel, flags: [.requestAck, .slowStartOK])
    let count = writePlainPing(call, header, to: bytes, now: now)
    let total = max(count, RxHeader.byteCount + size)
    UnsafeMutableRawBufferPointer(start: bytes + count, count: total - count)
      .initializeMemory(as: UInt8.self, repeating: 0)
    peers[peer].pathMTU.sentProbe(size, connection: calls[call].connection, serial: header.serial, now: now)
    return total
  }
}
