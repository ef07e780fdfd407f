import AFSBase

/// What an acknowledgement changed.
struct AckOutcome {
  var newlyAcknowledged = 0
  /// When the packet was sent which the ack names: a round-trip sample.
  var sampleSentAt: MonotonicTime?
  /// Packets found lost, and the latest transmission among them.
  var lost = 0
  var latestLost = TransmitOrder(0)
}

extension TransmitWindow {
  /// Takes an acknowledgement in.
  ///
  /// - Parameter ackSerial: the ACK packet's own serial. An ACK overtaken by a later one may still acknowledge, but
  ///   what it does not list is not news.
  /// - Returns: nil for an ACK that is outdated or names packets which were never sent.
  mutating func acknowledge(
    _ ack: ReceivedAck, ackSerial: Serial, now: MonotonicTime, tolerance: Duration, pool: inout PacketPool
  ) -> AckOutcome? {
    guard ack.firstPacket >= base, ack.firstPacket <= nextUnsent else { return nil }
    let isNewest = lastAckSerial == .none || ackSerial > lastAckSerial
    if isNewest { lastAckSerial = ackSerial }
    var outcome = AckOutcome()
    while base < ack.firstPacket {
      if slots[base].state == .acknowledged { softAcknowledged -= 1 } else { arrived(base, ack.serial, &outcome) }
      releaseFirst(pool: &pool)
    }
    takeSoftAcks(ack, isNewest: isNewest, &outcome)
    if isNewest, let window = ack.trailer?.receiveWindow {
      peerWindow = Int(min(max(window, 1), UInt32(peerWindowMax)))
    }
    findLosses(now: now, tolerance: tolerance, &outcome)
    return outcome
  }

  private mutating func takeSoftAcks(_ ack: ReceivedAck, isNewest: Bool, _ outcome: inout AckOutcome) {
    let count = min(ack.softAcks.count, nextUnsent - ack.firstPacket)
    var step = 0
    while step < count {
      let seq = ack.firstPacket + step
      let isHere = ack.softAcks[step] & 1 != 0
      let state = slots[seq].state
      if isHere, state != .acknowledged {
        arrived(seq, ack.serial, &outcome)
        slots[seq].state = .acknowledged
        softAcknowledged += 1
      } else if !isHere, isNewest, state == .acknowledged {
        // The peer dropped what it had: it may, until the hard acknowledgement.
        slots[seq].state = .lost
        softAcknowledged -= 1
        lostCount += 1
        probes = 1
      }
      step += 1
    }
  }

  /// A packet not acknowledged before has arrived.
  private mutating func arrived(_ seq: Seq, _ ackedSerial: Serial, _ outcome: inout AckOutcome) {
    let slot = slots[seq]
    switch slot.state {
    case .inFlight: inFlight -= 1
    case .lost: lostCount -= 1
    case .empty, .queued, .acknowledged: break
    }
    outcome.newlyAcknowledged += 1
    if slot.order > largestAcknowledged {
      largestAcknowledged = slot.order
      largestAcknowledgedSentAt = slot.sentAt
    }
    if slot.serial == ackedSerial, ackedSerial != .none { outcome.sampleSentAt = slot.sentAt }
  }

  /// Finds packets sent before others that have arrived: lost when enough of those followed, or when enough time has
  /// passed (RFC 9002 section 6.1).
  mutating func findLosses(now: MonotonicTime, tolerance: Duration, _ outcome: inout AckOutcome) {
    guard hasSuspects else { return }
    var seq = base
    while seq < nextUnsent {
      let slot = slots[seq]
      if slot.state == .inFlight, slot.order < largestAcknowledged,
        largestAcknowledged - slot.order >= reorderingThreshold || slot.sentAt + tolerance <= now
      {
        slots[seq].state = .lost
        inFlight -= 1
        lostCount += 1
        outcome.lost += 1
        if slot.order > outcome.latestLost { outcome.latestLost = slot.order }
      }
      seq += 1
    }
  }

  /// Packets are under way that were sent before one that has arrived.
  private var hasSuspects: Bool {
    guard inFlight > 0 else { return false }
    return softAcknowledged > 0 || slots[base].order < largestAcknowledged || lostCount > 0
      || slots[base].hasBeenRepeated
  }

  /// When the first suspect counts as lost unless it is acknowledged before; nil without suspects.
  func lossDeadline(tolerance: Duration) -> MonotonicTime? {
    guard hasSuspects else { return nil }
    var earliest: MonotonicTime?
    var seq = base
    while seq < nextUnsent {
      if slots[seq].state == .inFlight, slots[seq].order < largestAcknowledged {
        let deadline = slots[seq].sentAt + tolerance
        if earliest == nil || deadline < earliest! { earliest = deadline }
      }
      seq += 1
    }
    return earliest
  }

  /// A packet arrived twice: perhaps it was only late when it was taken for lost.
  mutating func sawDuplicate() {
    reorderingThreshold = min(reorderingThreshold * 2, 24)
  }

  /// Nothing has come back for too long: the first packet under way is sent again as a probe, which an ack will
  /// answer with the whole state of the peer's window. Repeatedly so: everything counts as lost.
  mutating func timedOut(isRepeated: Bool) {
    var seq = base
    while seq < nextUnsent {
      if slots[seq].state == .inFlight {
        slots[seq].state = .lost
        inFlight -= 1
        lostCount += 1
        if !isRepeated {
          probes = 1
          return
        }
      }
      seq += 1
    }
  }
}
