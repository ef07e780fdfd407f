import AFSBase
import AFSTypes

/// From calls to datagrams.
extension RxEndpoint {
  /// Puts a call into the list of those with something to send.
  @inline(__always)
  mutating func queueToSend(_ call: Int) {
    guard !calls[call].isQueuedToSend, calls[call].hasOutput else { return }
    calls[call].isQueuedToSend = true
    sendQueue.append(calls.name(of: call))
  }

  /// One ack, or a padded ping, or DATA of one call: a run of packets of one size, or a jumbogram.
  mutating func transmit(_ call: Int, into buffer: UnsafeMutableRawBufferPointer, now: MonotonicTime) -> RxTransmit? {
    peers[calls[call].peer].lastSentAt = now
    let budget = sendBudget(call, now: now)
    if budget < .max, budget < leastOutput(call) {
      block(call, now: now)
      return nil
    }
    if let count = transmitAck(call, to: buffer.baseAddress!, now: now)
      ?? transmitProbe(call, to: buffer.baseAddress!, now: now)
    {
      spend(count, call, now: now)
      return RxTransmit(
        destination: connections[calls[call].connection].address, byteCount: count, segmentSize: count)
    }
    return transmitData(
      call, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, budget)]), now: now)
  }

  /// - Returns: the ack's size; nil when none is due.
  private mutating func transmitAck(_ call: Int, to bytes: UnsafeMutableRawPointer, now: MonotonicTime) -> Int? {
    guard let ack = calls[call].ack.next(first: calls[call].receive.hardAckLimit, edge: calls[call].receive.edge) else {
      return nil
    }
    let count = writeAck(ack, call, to: bytes, now: now)
    queueToSend(call)
    rearm(call)
    return count
  }

  /// - Returns: the padded ping's size; nil when none is wanted.
  private mutating func transmitProbe(_ call: Int, to bytes: UnsafeMutableRawPointer, now: MonotonicTime) -> Int? {
    guard calls[call].isProbeWanted else { return nil }
    let count = writeProbe(call, to: bytes, now: now)
    queueToSend(call)
    return count > 0 ? count : nil
  }

  private mutating func transmitData(
    _ call: Int, into room: UnsafeMutableRawBufferPointer, now: MonotonicTime
  ) -> RxTransmit? {
    let mayFragment = mayFragmentNext(call)
    restartIfIdle(call, now: now)
    let jumbogram = peers[calls[call].peer].jumboMax > 1 ? writeJumbogram(call, into: room, now: now) : 0
    // A jumbogram is as long as many links' packets together: if it is longer than one of them, it is fragmented.
    let (byteCount, segmentSize) =
      jumbogram > 0 ? (jumbogram, jumbogram) : writeDataRun(call, into: room, now: now)
    guard byteCount > 0 else { return nil }
    spend(byteCount, call, now: now)
    calls[call].life.sent(now: now)
    if calls[call].timers.life == nil { calls[call].timers.life = calls[call].life.deadline }
    if calls[call].phase.transmittedData() == .acknowledgesRequest { calls[call].ack.replied() }
    armTransmitTimers(call, now: now)
    queueToSend(call)
    return RxTransmit(
      destination: connections[calls[call].connection].address, byteCount: byteCount, segmentSize: segmentSize,
      mayFragment: mayFragment || jumbogram > 0)
  }

  /// The bytes of the next datagram at least: what a budget must allow.
  private func leastOutput(_ call: Int) -> Int {
    if calls[call].ack.isDue {
      let soft = min(max(calls[call].receive.top - calls[call].receive.hardAckLimit, 0), OutgoingAck.softAcksMax)
      return RxHeader.byteCount + OutgoingAck.byteCount(softAckCount: soft)
    }
    if calls[call].isProbeWanted { return RxHeader.byteCount + peers[calls[call].peer].pathMTU.ceiling }
    guard let seq = calls[call].nextToTransmit else { return 0 }
    return RxHeader.byteCount + Int(calls[call].transmit.slots[seq].count)
  }

  /// A stream that paused does not go on at the speed it had.
  private mutating func restartIfIdle(_ call: Int, now: MonotonicTime) {
    if calls[call].transmit.inFlight == 0, let last = calls[call].lastDataAt,
      now - last > peers[calls[call].peer].rtt.timeout + .milliseconds(200)
    {
      calls[call].congestion.restarted()
    }
    calls[call].lastDataAt = now
  }

  /// Whether the next packet may be larger than the path: it was made for a larger one, or its size is suspected.
  private func mayFragmentNext(_ call: Int) -> Bool {
    guard let seq = calls[call].nextToTransmit else { return false }
    return calls[call].timeoutsInRow >= Self.suspectTimeouts
      || Int(calls[call].transmit.slots[seq].count) > peers[calls[call].peer].pathMTU.current
  }

  /// Writes DATA packets of one size back to back; the last may be shorter.
  private mutating func writeDataRun(
    _ call: Int, into buffer: UnsafeMutableRawBufferPointer, now: MonotonicTime
  ) -> (byteCount: Int, segmentSize: Int) {
    var offset = 0
    var segmentSize = 0
    var count = 0
    while count < configuration.segmentsMax, let seq = calls[call].nextToTransmit {
      let size = RxHeader.byteCount + Int(calls[call].transmit.slots[seq].count)
      if count == 0 { segmentSize = size }
      guard size <= segmentSize, offset + size <= buffer.count else { break }
      writeData(call, seq, to: buffer.baseAddress! + offset, now: now)
      offset += size
      count += 1
      if size < segmentSize { break }
    }
    return (offset, segmentSize)
  }

  mutating func writeData(_ call: Int, _ seq: Seq, to bytes: UnsafeMutableRawPointer, now: MonotonicTime) {
    let header = dataHeader(call, seq, now: now)
    header.write(to: bytes)
    let slot = calls[call].transmit.slots[seq]
    if slot.count > 0, let body = slot.block {
      (bytes + RxHeader.byteCount).copyMemory(from: body, byteCount: Int(slot.count))
    }
  }

  /// The header of a packet that is sent now.
  @inline(__always)
  mutating func dataHeader(_ call: Int, _ seq: Seq, now: MonotonicTime) -> RxHeader {
    var header = connections[calls[call].connection].header(
      .data, callNumber: calls[call].callNumber, channel: calls[call].channel)
    header.seq = seq
    if seq == .first, connections[calls[call].connection].probesUpgrade { header.userStatus = RxHeader.upgradeStatus }
    calls[call].transmit.transmitted(seq, serial: header.serial, now: now)
    calls[call].statistics.packetsSent += 1
    if calls[call].transmit.slots[seq].hasBeenRepeated { calls[call].statistics.packetsResent += 1 }
    let slot = calls[call].transmit.slots[seq]
    if slot.hasBeenRepeated {
      peers[calls[call].peer].traffic.packetsResent &+= 1
      traffic.packetsResent &+= 1
    }
    header.checksum = slot.checksum
    if slot.isLast { header.flags.insert(.lastPacket) }
    let isFollowed = calls[call].nextToTransmit != nil
    if isFollowed { header.flags.insert(.morePackets) }
    let isStandstill = !isFollowed && calls[call].transmit.hasWaiting
    if calls[call].transmit.takeAckRequest(seq, isStandstill: isStandstill) { header.flags.insert(.requestAck) }
    return header
  }

  // MARK: Acks

  /// Writes an ACK packet.
  /// - Returns: its size.
  private mutating func writeAck(
    _ pending: AckScheduler.Pending, _ call: Int, to bytes: UnsafeMutableRawPointer, now: MonotonicTime
  ) -> Int {
    writeAck(pending, ackHeader(pending.reason, call, now: now), call, to: bytes, now: now)
  }

  /// Writes a ping which nothing but its serial distinguishes.
  mutating func writePlainPing(
    _ call: Int, _ header: RxHeader, to bytes: UnsafeMutableRawPointer, now: MonotonicTime
  ) -> Int {
    writeAck(AckScheduler.Pending(reason: .ping, serial: .none), header, call, to: bytes, now: now)
  }

  private mutating func writeAck(
    _ pending: AckScheduler.Pending, _ header: RxHeader, _ call: Int, to bytes: UnsafeMutableRawPointer,
    now: MonotonicTime
  ) -> Int {
    let isPromise = mayPromise(call, now: now)
    let first = isPromise ? calls[call].receive.hardAckLimit : .first
    header.write(to: bytes)
    let body = bytes + RxHeader.byteCount
    let count =
      isPromise ? calls[call].receive.writeSoftAcks(from: first, to: body + ReceivedAck.fixedByteCount) : 0
    let window = min(calls[call].receive.edge - first, configuration.receiveWindow)
    OutgoingAck(
      firstPacket: first, previousPacket: isPromise ? calls[call].receive.highest : Seq(0), serial: pending.serial,
      reason: pending.reason,
      trailer: ackTrailer(receiveWindow: window)
    ).write(to: body, softAckCount: count)
    return RxHeader.byteCount + OutgoingAck.byteCount(softAckCount: count)
  }

  private mutating func ackHeader(_ reason: AckReason, _ call: Int, now: MonotonicTime) -> RxHeader {
    var header = connections[calls[call].connection].header(
      .ack, callNumber: calls[call].callNumber, channel: calls[call].channel)
    header.flags.insert(.slowStartOK)
    if reason == .ping {
      header.flags.insert(.requestAck)
      calls[call].pingSerial = header.serial
      calls[call].pingSentAt = now
      // Once the reply has begun the request counts as acknowledged, though its server may not have read it all.
      calls[call].pingBase = calls[call].phase.step == .receivingReply ? .first : calls[call].transmit.base
    }
    return header
  }

  /// Jumbograms are taken always, and asked for only where that is wanted.
  func ackTrailer(receiveWindow: Int) -> AckTrailer {
    let size = UInt32(RxHeader.byteCount + bodyByteCountMax)
    return AckTrailer(
      maxMTU: size, interfaceMTU: size, receiveWindow: UInt32(receiveWindow),
      packetsPerDatagram: UInt32(configuration.jumboReceiveMax))
  }

  // MARK: Aborts

  mutating func sendAbort(of call: Int, _ code: AbortCode) {
    sendAbort(calls[call].connection, calls[call].callNumber, calls[call].channel, code)
  }

  mutating func sendAbort(_ connection: Int, _ callNumber: CallNumber, _ channel: Int, _ code: AbortCode) {
    let header = connections[connection].header(.abort, callNumber: callNumber, channel: channel)
    appendAbort(header, code, to: connections[connection].address)
  }

  /// Aborts all of a connection, as an answer to a packet of it.
  mutating func sendConnectionAbort(_ connection: Int, _ code: AbortCode, now: MonotonicTime) {
    guard strayAnswers.admit(now: now), mayAnswer(connection, RxHeader.byteCount + 4, now: now) else { return }
    sendAbort(connection, .connection, 0, code)
  }

  mutating func appendAbort(_ header: RxHeader, _ code: AbortCode, to destination: RxAddress) {
    datagrams.append(to: destination, count: RxHeader.byteCount + 4) { bytes in
      header.write(to: bytes)
      bytes.store(UInt32(bitPattern: code.rawValue), at: RxHeader.byteCount)
    }
  }
}
