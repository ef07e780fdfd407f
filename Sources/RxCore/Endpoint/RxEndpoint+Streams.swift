import AFSBase
import AFSTypes

/// The two byte streams of a call: DATA in, `read` and `write`.
extension RxEndpoint {
  // MARK: In

  mutating func receivedData(_ packet: ReceivedPacket, _ call: Int, now: MonotonicTime) {
    let packetsPerAck = packetsPerAck(of: calls[call].peer)
    var jumbo = JumboDatagram(header: packet.header, body: packet.body)
    var isNews = false
    var isInOrder = false
    while let (header, body) = jumbo.next() {
      guard header.seq.rawValue != 0 else { return }
      let outcome = calls[call].receive.insert(header, body, pool: &pool)
      calls[call].ack.received(
        outcome, header, hasGap: calls[call].receive.hasGap, packetsPerAck: packetsPerAck, now: now)
      calls[call].statistics.packetsReceived += 1
      switch outcome {
      case .inOrder: (isNews, isInOrder) = (true, true)
      case .outOfOrder: isNews = true
      case .duplicate, .exceedsWindow, .beyondEnd: calls[call].statistics.packetsDropped += 1
      }
    }
    if isNews {
      calls[call].life.progressed(now: now)
      if calls[call].phase.receivedData() == .acknowledgeRequest { replyBegan(call, now: now) }
    }
    if isInOrder, !advanceStream(call, now: now) { return }
    queueToSend(call)
    rearm(call)
  }

  /// The reply's first packet acknowledges the whole request. What was not sent of it is not wanted any more.
  private mutating func replyBegan(_ call: Int, now: MonotonicTime) {
    if let sentAt = calls[call].transmit.replySampleSentAt { peers[calls[call].peer].rtt.addReplyTime(now - sentAt) }
    calls[call].transmit.drain(pool: &pool)
    calls[call].timers.retransmit = nil
    calls[call].timers.loss = nil
    calls[call].timeoutsInRow = 0
    if calls[call].isWritableOwed {
      calls[call].isWritableOwed = false
      events.append(.writable(handle(call)))
    }
  }

  /// Packets have come in order: checks them, tells the driver, ends a client's call with its last packet.
  /// - Returns: false when the call or its connection has ended with it.
  mutating func advanceStream(_ call: Int, now: MonotonicTime) -> Bool {
    let connection = calls[call].connection
    if let protection = connections[connection].protection {
      guard connections[connection].isAuthenticated else {
        demandAuthentication(connection, now: now)
        return true
      }
      do throws(RxSecurityFailure) {
        try calls[call].receive.open(
          with: protection, callNumber: calls[call].callNumber, channel: calls[call].channel,
          isFromClient: !calls[call].isClient)
      } catch {
        securityRefusals.note(error, from: connections[connection].address, now: now)
        failConnection(connection, error.code, now: now)
        return false
      }
    } else {
      calls[call].receive.openAll()
    }
    if !calls[call].isClient {
      guard calls[call].isAnnounced || isReachable(connection, now: now) else {
        demandReachability(call, now: now)
        return true
      }
      announceCall(call, now: now)
    }
    if calls[call].receive.isReadable, !calls[call].isReadableAnnounced {
      calls[call].isReadableAnnounced = true
      events.append(.readable(handle(call)))
    }
    guard calls[call].isClient, calls[call].receive.isComplete else { return true }
    endWithReply(call, now: now)
    return false
  }

  /// - Returns: bytes copied, and whether the end has been reached.
  mutating func read(
    _ call: Int, into buffer: UnsafeMutableRawBufferPointer, now: MonotonicTime
  ) -> (count: Int, isAtEnd: Bool) {
    let count = calls[call].receive.read(into: buffer, pool: &pool)
    calls[call].measure.read(UnsafeRawBufferPointer(rebasing: buffer[..<count]), isClient: calls[call].isClient)
    noteRead(call, byteCount: count, now: now)
    return (count, calls[call].receive.isAtEnd)
  }

  /// The reader took packets: the window has moved.
  mutating func noteRead(_ call: Int, byteCount: Int, now: MonotonicTime) {
    calls[call].statistics.bytesRead += byteCount
    guard !calls[call].phase.hasEnded, calls[call].queued == nil, !calls[call].receive.isComplete else { return }
    calls[call].ack.windowMoved(
      first: calls[call].receive.hardAckLimit, edge: calls[call].receive.edge, top: calls[call].receive.top,
      packetsPerAck: packetsPerAck(of: calls[call].peer), now: now)
    queueToSend(call)
    rearm(call)
  }

  /// A peer with a small window needs frequent acks, a wide one few.
  private func packetsPerAck(of peer: Int) -> Int {
    peers[peer].receiveWindowSeen > 64 ? configuration.packetsPerAckOfWidePeers : configuration.packetsPerAck
  }

  // MARK: Out

  /// - Returns: bytes taken.
  mutating func write(_ call: Int, _ bytes: UnsafeRawBufferPointer, isLast: Bool) -> Int {
    // Once the reply has begun, or the call has ended, nobody wants the bytes: they are taken and dropped.
    if calls[call].phase.hasEnded || calls[call].phase.step == .receivingReply { return bytes.count }
    if calls[call].queued != nil {
      if bytes.isEmpty { calls[call].queued!.isClosed = isLast } else { calls[call].isWritableOwed = true }
      return 0
    }
    let taken = calls[call].transmit.write(
      bytes, isLast: isLast, bodyByteCountMax: peers[calls[call].peer].bodyByteCountMax, seal: seal(for: call),
      pool: &pool)
    calls[call].statistics.bytesWritten += taken
    calls[call].measure.wrote(UnsafeRawBufferPointer(rebasing: bytes[..<taken]), isClient: calls[call].isClient)
    if taken < bytes.count { calls[call].isWritableOwed = true }
    queueToSend(call)
    return taken
  }

  func seal(for call: Int) -> PacketSeal {
    PacketSeal(
      protection: connections[calls[call].connection].protection, callNumber: calls[call].callNumber,
      channel: calls[call].channel, isFromClient: calls[call].isClient)
  }

  /// Tells a driver that was refused when a good part of the queue is free again.
  mutating func offerSpace(_ call: Int) {
    guard calls[call].isWritableOwed, calls[call].transmit.queueSpace >= max(1, configuration.transmitWindow / 4) else {
      return
    }
    calls[call].isWritableOwed = false
    events.append(.writable(handle(call)))
  }

  func handle(_ call: Int) -> RxCallHandle { RxCallHandle(rawValue: calls.name(of: call)) }
}
