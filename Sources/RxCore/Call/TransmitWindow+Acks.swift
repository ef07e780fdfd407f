import AFSBase

/// What an acknowledgement changed.
struct AckOutcome {
  var newlyAcknowledged = 0
  /// When the packet was sent which the ack names: a round-trip sample.
  var sampleSentAt: MonotonicTime?
  /// Packets taken for lost had arrived after all.
  var spurious = 0
  /// A packet sent once arrived after one sent later.
  var isReordered = false
  /// Packets found lost, and the latest transmission among them.
  var lost = 0
  var latestLost = TransmitOrder(0)
}

/// How long, and for how many successors, a packet is waited for; from what is known of the path.
struct LossPatience: BitwiseCopyable {
  /// Later packets which must have arrived.
  var packets: Int
  /// Time since its transmission, once any later one has arrived.
  var time: Duration
  /// An ack sooner than that after a retransmission is for the first transmission.
  var spuriousTime: Duration

  init(_ reordering: ReorderingTolerance, _ rtt: RTTEstimator) {
    packets = reordering.packetThreshold ?? .max
    time = reordering.deadline(rtt)
    // Half of the shortest round trip: safe where the path got shorter by less than that.
    spuriousTime = (rtt.minimum ?? .zero) / 2
  }
}

extension TransmitWindow {
  /// Takes an acknowledgement in.
  ///
  /// One byte counts the soft acks, so that an ACK describes 255 packets at most. What lies beyond a full list is
  /// unknown: it stays as it is. What lies beyond a shorter list has not arrived, or was dropped.
  ///
  /// - Parameters:
  ///   - ackSerial: the ACK packet's own serial. An ACK overtaken by a later one may still acknowledge, but what it
  ///     does not list is not news.
  ///   - isFresh: it answers our latest ping, so that it is news whatever its serial: a peer that was started anew
  ///     counts from elsewhere.
  /// - Returns: nil for an ACK that is outdated or names packets which were never sent.
  mutating func acknowledge(
    _ ack: ReceivedAck, ackSerial: Serial, isFresh: Bool, now: MonotonicTime, _ patience: LossPatience,
    pool: inout PacketPool
  ) -> AckOutcome? {
    guard ack.firstPacket >= base, ack.firstPacket <= nextUnsent else { return nil }
    let isNewest = isFresh || lastAckSerial == .none || ackSerial > lastAckSerial
    if isNewest { lastAckSerial = ackSerial }
    var outcome = AckOutcome()
    let arrival = Arrival(serial: ack.serial, largest: largestAcknowledged, latestSpurious: now - patience.spuriousTime)
    while base < ack.firstPacket {
      if slots[base].state == .acknowledged { softAcknowledged -= 1 } else { arrived(base, arrival, &outcome) }
      releaseFirst(pool: &pool)
    }
    takeSoftAcks(ack, isNewest: isNewest, arrival, &outcome)
    if isNewest, let window = ack.trailer?.receiveWindow {
      peerWindow = Int(min(max(window, 1), UInt32(peerWindowMax)))
    }
    findLosses(now: now, patience, &outcome)
    return outcome
  }

  private mutating func takeSoftAcks(
    _ ack: ReceivedAck, isNewest: Bool, _ arrival: Arrival, _ outcome: inout AckOutcome
  ) {
    let count = min(ack.softAcks.count, nextUnsent - ack.firstPacket)
    var known = softAcknowledged
    var step = 0
    while step < count {
      let seq = ack.firstPacket + step
      let isHere = ack.softAcks[step] & 1 != 0
      let state = slots[seq].state
      if isHere, state != .acknowledged {
        arrived(seq, arrival, &outcome)
        slots[seq].state = .acknowledged
        softAcknowledged += 1
      } else if !isHere, isNewest, state == .acknowledged {
        retract(seq)
      }
      if state == .acknowledged { known -= 1 }
      step += 1
    }
    guard isNewest, ack.softAcks.count < OutgoingAck.softAcksMax else { return }
    while known > 0, ack.firstPacket + step < nextUnsent {
      let seq = ack.firstPacket + step
      if slots[seq].state == .acknowledged {
        retract(seq)
        known -= 1
      }
      step += 1
    }
  }

  /// The peer dropped what it had: it may, until the hard acknowledgement.
  private mutating func retract(_ seq: Seq) {
    slots[seq].state = .lost
    softAcknowledged -= 1
    noteLost(seq)
    probes = 1
  }

  /// What is under way in larger packets does not arrive, and is to be sent again.
  mutating func lose(largerThan byteCount: Int) {
    var seq = base
    while seq < nextUnsent {
      if slots[seq].state == .inFlight, Int(slots[seq].count) > byteCount {
        slots[seq].state = .lost
        inFlight -= 1
        noteLost(seq)
      }
      seq += 1
    }
  }

  private mutating func noteLost(_ seq: Seq) {
    lostFrom = lostCount == 0 ? seq : min(lostFrom, seq)
    lostCount += 1
  }

  /// What an ACK says about each packet that arrived by it.
  private struct Arrival {
    /// The serial which the ACK names.
    var serial: Serial
    /// The latest transmission that had arrived before.
    var largest: TransmitOrder
    /// An ACK cannot be for a transmission later than that.
    var latestSpurious: MonotonicTime
  }

  /// A packet not acknowledged before has arrived.
  private mutating func arrived(_ seq: Seq, _ arrival: Arrival, _ outcome: inout AckOutcome) {
    let slot = slots[seq]
    switch slot.state {
    case .inFlight: inFlight -= 1
    case .lost:
      lostCount -= 1
      outcome.spurious += 1
    case .empty, .queued, .acknowledged: break
    }
    outcome.newlyAcknowledged += 1
    // Karn's rule has no work here: a serial names one transmission. But an ack that comes sooner than the network
    // allows is for an earlier one.
    if slot.hasBeenRepeated {
      if slot.state == .inFlight, slot.sentAt > arrival.latestSpurious { outcome.spurious += 1 }
    } else if slot.order < arrival.largest {
      outcome.isReordered = true
    }
    if slot.order > largestAcknowledged {
      largestAcknowledged = slot.order
      largestAcknowledgedSentAt = slot.sentAt
    }
    if slot.serial == arrival.serial, arrival.serial != .none { outcome.sampleSentAt = slot.sentAt }
  }

  /// Finds packets sent before others that have arrived: lost when enough of those followed, or when enough time has
  /// passed (RFC 8985 section 6.2, step 5).
  mutating func findLosses(now: MonotonicTime, _ patience: LossPatience, _ outcome: inout AckOutcome) {
    guard hasSuspects else { return }
    var seq = base
    while seq < nextUnsent {
      let slot = slots[seq]
      if slot.state == .inFlight, slot.order < largestAcknowledged,
        largestAcknowledged - slot.order >= patience.packets || slot.sentAt + patience.time <= now
      {
        slots[seq].state = .lost
        inFlight -= 1
        noteLost(seq)
        outcome.lost += 1
        if slot.order > outcome.latestLost { outcome.latestLost = slot.order }
      }
      seq += 1
    }
  }

  /// Packets are under way that were sent before one that has arrived.
  var hasSuspects: Bool {
    guard inFlight > 0 else { return false }
    return softAcknowledged > 0 || slots[base].order < largestAcknowledged || lostCount > 0
      || slots[base].hasBeenRepeated
  }

  /// When the first suspect counts as lost unless it is acknowledged before; nil without suspects.
  func lossDeadline(_ patience: LossPatience) -> MonotonicTime? {
    guard hasSuspects else { return nil }
    var earliest: MonotonicTime?
    var seq = base
    while seq < nextUnsent {
      if slots[seq].state == .inFlight, slots[seq].order < largestAcknowledged {
        let deadline = slots[seq].sentAt + patience.time
        if earliest == nil || deadline < earliest! { earliest = deadline }
      }
      seq += 1
    }
    return earliest
  }

  /// Nothing has come back for too long: the first packet under way is sent again as a probe, which an ack will
  /// answer with the whole state of the peer's window. Repeatedly so: everything counts as lost.
  mutating func timedOut(isRepeated: Bool) {
    var seq = base
    while seq < nextUnsent {
      if slots[seq].state == .inFlight {
        slots[seq].state = .lost
        inFlight -= 1
        noteLost(seq)
        if !isRepeated {
          probes = 1
          return
        }
      }
      seq += 1
    }
  }
}
