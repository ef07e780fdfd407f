import AFSBase
import AFSTypes

/// Acknowledgements of what we sent: windows, losses, round trips.
extension RxEndpoint {
  mutating func receivedAck(_ packet: ReceivedPacket, _ call: Int, now: MonotonicTime) {
    guard let ack = ReceivedAck(packet.body) else { return }
    if packet.header.flags.contains(.requestAck) { calls[call].ack.receivedPing(packet.header.serial) }
    let peer = calls[call].peer
    let reason = AckReason(rawValue: ack.reason)
    let isPingAnswer = reason == .pingResponse && ack.serial != .none && ack.serial == calls[call].pingSerial
    if reason == .pingResponse, !receivedPingResponse(ack, call, now: now) { return }
    let suspicion = suspicion(call)
    if calls[call].isCongestionLimited { calls[call].congestion.limited(until: calls[call].transmit.latestOrder) }
    let outcome = calls[call].transmit.acknowledge(
      ack, ackSerial: packet.header.serial, isFresh: isPingAnswer, now: now, patience(peer), pool: &pool)
    guard let outcome else {
      // Outdated or impossible: no sign of life either, for a peer that lost the call would go on like this for ever.
      queueToSend(call)
      return
    }
    calls[call].life.received(now: now)
    guard judgeSize(suspicion, isPingAnswer: isPingAnswer, call, now: now) else { return }
    if let trailer = ack.trailer {
      peers[peer].received(trailer, bodyByteCountMax: bodyByteCountMax, jumboMax: configuration.jumboTransmitMax)
    }
    let sample = reason == .delay ? nil : outcome.sampleSentAt.map { now - $0 }
    if let sample { peers[peer].rtt.add(sample) }
    // The serial of a packet of ours: who knows it receives what we send.
    if outcome.sampleSentAt != nil, !calls[call].isClient { proved(peer, now: now) }
    if outcome.newlyAcknowledged > 0 {
      noteArrivals(outcome, call, roundTrip: sample, now: now)
    }
    noteReordering(outcome, call)
    noteLosses(outcome, call, now: now)
    guard goOn(call, now: now) else { return }
    probePath(call, now: now)
  }

  /// Packets that had not been acknowledged have arrived.
  private mutating func noteArrivals(
    _ outcome: AckOutcome, _ call: Int, roundTrip: Duration?, now: MonotonicTime
  ) {
    calls[call].timeoutsInRow = 0
    calls[call].softChecks = 0
    calls[call].life.progressed(now: now)
    calls[call].congestion.acknowledged(
      CongestionControl.Arrival(
        count: outcome.newlyAcknowledged, largest: calls[call].transmit.largestAcknowledged,
        latest: calls[call].transmit.latestOrder, roundTrip: roundTrip,
        smoothed: peers[calls[call].peer].rtt.smoothed ?? .zero), now: now)
    calls[call].timers.retransmit = nil
  }

  private mutating func noteReordering(_ outcome: AckOutcome, _ call: Int) {
    if outcome.isReordered { peers[calls[call].peer].reordering.sawReordering() }
    if outcome.spurious > 0 {
      peers[calls[call].peer].reordering.sawSpurious()
      calls[call].congestion.sawSpurious(outcome.spurious)
    }
  }

  /// An acknowledgement has been taken in: a service's call ends with the last one, others send on.
  /// - Returns: false when the call has ended.
  private mutating func goOn(_ call: Int, now: MonotonicTime) -> Bool {
    if !calls[call].isClient, calls[call].transmit.isAllAcknowledged {
      complete(call, .success, ending: .received(upTo: calls[call].receive.expected), now: now)
      return false
    }
    offerSpace(call)
    armTransmitTimers(call, now: now)
    queueToSend(call)
    return true
  }

  /// - Returns: false when the call has ended: the peer lost it.
  private mutating func receivedPingResponse(_ ack: ReceivedAck, _ call: Int, now: MonotonicTime) -> Bool {
    let peer = calls[call].peer
    peers[peer].pathMTU.receivedAnswer(connection: calls[call].connection, serial: ack.serial)
    if ack.serial == calls[call].pingSerial, ack.serial != .none {
      peers[peer].rtt.add(now - calls[call].pingSentAt)
      calls[call].pingSerial = .none
      if ack.firstPacket < calls[call].pingBase {
        // It had acknowledged more before we asked: it was started anew, and what it knew of the call is gone.
        abort(call, .rxCallDead, as: .timedOut(.dead), now: now)
        return false
      }
      proved(peer, now: now)
      guard !calls[call].phase.hasEnded else { return false }
    }
    if !calls[call].isClient { return becameReachable(calls[call].connection, call, now: now) }
    return true
  }

  private func patience(_ peer: Int) -> LossPatience { LossPatience(peers[peer].reordering, peers[peer].rtt) }

  private mutating func noteLosses(_ outcome: AckOutcome, _ call: Int, now: MonotonicTime) {
    guard outcome.lost > 0 else { return }
    guard
      calls[call].congestion.lost(
        outcome.lost, outcome.latestLost, latest: calls[call].transmit.latestOrder)
    else { return }
    calls[call].transmit.probes = 1
    peers[calls[call].peer].reordering.recovered()
    noteWindow(call, now: now)
  }

  /// Remembers for the next calls what this one has found: nothing, if it sent nothing or was on no connection.
  mutating func noteWindow(_ call: Int, now: MonotonicTime) {
    guard let finding = calls[call].congestion.finding else { return }
    let peer = calls[call].peer
    peers[peer].memory.note(finding, sharers: peers[peer].callCount, now: now)
  }

  /// Where a new call may start, by what former ones found.
  func knownPath(_ peer: Int, now: MonotonicTime) -> PathMemory.Finding? {
    peers[peer].memory.start(
      sharers: peers[peer].callCount, lifetime: configuration.pathMemoryLifetime, now: now)
  }

  /// ACKALL: what has been sent has arrived.
  mutating func receivedAckAll(_ call: Int, now: MonotonicTime) {
    calls[call].transmit.acknowledgeSent(pool: &pool)
    calls[call].timers.retransmit = nil
    calls[call].timers.loss = nil
    _ = goOn(call, now: now)
  }

  /// Time has run out for packets which others overtook.
  mutating func lossTimerPassed(_ call: Int, now: MonotonicTime) {
    var outcome = AckOutcome()
    calls[call].transmit.findLosses(now: now, patience(calls[call].peer), &outcome)
    noteLosses(outcome, call, now: now)
  }

  /// Nothing has been acknowledged for the retransmission timeout.
  mutating func retransmitTimerPassed(_ call: Int, now: MonotonicTime) {
    if calls[call].transmit.isOnlySoftlyAcknowledged {
      // A peer that was started anew does not have what its predecessor acknowledged.
      calls[call].softChecks += 1
      calls[call].ack.wantPing()
      return
    }
    if calls[call].transmit.isStalled {
      // The ack that opened the peer's window may have been lost: ask.
      calls[call].ack.wantPing()
    } else {
      if calls[call].transmit.isFirstInJumbogram { peers[calls[call].peer].lostJumbogram() }
      let isRepeated = calls[call].timeoutsInRow > 0
      calls[call].transmit.timedOut(isRepeated: isRepeated)
      if isRepeated {
        calls[call].congestion.collapsed(latest: calls[call].transmit.latestOrder)
        noteWindow(call, now: now)
      }
    }
    calls[call].timeoutsInRow += 1
    // Whether small packets arrive tells a black hole for large ones from a dead path.
    if suspectSize(call) != nil { calls[call].ack.wantPing() }
  }

  /// Sets the timers that guard what is under way. A running timer is left alone, or shortened by an ack asked for.
  mutating func armTransmitTimers(_ call: Int, now: MonotonicTime) {
    if calls[call].transmit.needsGuarding {
      let timeout = now + retransmitTimeout(call)
      calls[call].timers.retransmit = min(calls[call].timers.retransmit ?? timeout, timeout)
    } else {
      calls[call].timers.retransmit = nil
    }
    calls[call].timers.loss =
      calls[call].transmit.hasSuspects ? calls[call].transmit.lossDeadline(patience(calls[call].peer)) : nil
    rearm(call)
  }

  /// A round trip in which a process or machine stood still for half a minute must not keep the next repetition until
  /// the peer counts as dead (50 s). On a path that is slower than this packets are repeated needlessly, every 10 s.
  private static var roundTripWaitMax: Duration { .seconds(10) }

  /// The round trip with its spread, how long the peer may delay its ack, doubled for each timeout in a row.
  private func retransmitTimeout(_ call: Int) -> Duration {
    if calls[call].transmit.isOnlySoftlyAcknowledged {
      return min(configuration.softCheckInterval * (1 << min(calls[call].softChecks, 10)), .seconds(10))
    }
    let rtt = peers[calls[call].peer].rtt
    if calls[call].timeoutsInRow == 0, calls[call].transmit.isAckRequested {
      return min(rtt.probeTimeout, Self.roundTripWaitMax)
    }
    let base = min(rtt.timeout, Self.roundTripWaitMax) + ackAllowance(call)
    let doublings = min(calls[call].timeoutsInRow, 10)
    return min(base * (1 << doublings), max(base, configuration.retransmitTimeoutMax))
  }

  /// Stock peers delay acks by 100 ms, a client's for the last packet by 400 ms (OpenAFS src/rx/rx.c, rx_softAckDelay
  /// and rx_lastAckDelay); what asks for an ack is answered at once.
  private func ackAllowance(_ call: Int) -> Duration {
    if calls[call].transmit.isAckRequested { return .zero }
    return !calls[call].isClient && calls[call].transmit.hasSentAll ? .milliseconds(500) : .milliseconds(200)
  }
}
