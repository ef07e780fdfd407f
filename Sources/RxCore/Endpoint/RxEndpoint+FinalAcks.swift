import AFSBase
import AFSTypes

/// A client's last word to a call: that it has the whole reply.
extension RxEndpoint {
  /// The reply has come to its end, and with it the call.
  ///
  /// A long reply is acknowledged at once, so that the server can give its memory back (as OpenAFS does in
  /// src/rx/rx.c, rx_EndCall). That of a single packet can wait a moment: the next call on the channel says the same.
  mutating func endWithReply(_ call: Int, now: MonotonicTime) {
    let end = calls[call].receive.expected
    let connection = calls[call].connection
    let channel = calls[call].channel
    let canWait = end == .first + 1 && !calls[call].ack.isUrgent && configuration.finalAckDelay > .zero
    if !canWait { sendFinalAck(call) }
    complete(call, .success, ending: .received(upTo: end), now: now)
    if canWait { oweFinalAck(connection, channel, now: now) }
  }

  private mutating func sendFinalAck(_ call: Int) {
    let end = calls[call].receive.expected
    let pending =
      calls[call].ack.next(first: end, edge: calls[call].receive.edge)
      ?? AckScheduler.Pending(reason: .delay, serial: .none)
    sendFinalAck(
      calls[call].connection, calls[call].callNumber, calls[call].channel, end,
      reason: pending.reason == .ping ? .delay : pending.reason, serial: pending.serial)
  }

  /// Acknowledges a stream as received up to (not with) `end`.
  mutating func sendFinalAck(
    _ connection: Int, _ callNumber: CallNumber, _ channel: Int, _ end: Seq, reason: AckReason, serial: Serial
  ) {
    let ack = OutgoingAck(
      firstPacket: end, previousPacket: end - 1, serial: serial, reason: reason,
      trailer: ackTrailer(receiveWindow: configuration.receiveWindow))
    var header = connections[connection].header(.ack, callNumber: callNumber, channel: channel)
    header.flags.insert(.slowStartOK)
    datagrams.append(
      to: connections[connection].address, count: RxHeader.byteCount + OutgoingAck.byteCount(softAckCount: 0)
    ) { bytes in
      header.write(to: bytes)
      ack.write(to: bytes + RxHeader.byteCount, softAckCount: 0)
    }
  }

  // MARK: Owed ones

  private mutating func oweFinalAck(_ connection: Int, _ channel: Int, now: MonotonicTime) {
    connections[connection].channels[channel].isFinalAckOwed = true
    guard connections[connection].finalAcksAt == nil else { return }
    connections[connection].finalAcksAt = now + configuration.finalAckDelay
    connectionTimers.set(connection, connections[connection].finalAcksAt)
  }

  /// Sends what no further call has made needless.
  mutating func sendOwedFinalAcks(_ connection: Int) {
    connections[connection].finalAcksAt = nil
    for index in 0..<4 where connections[connection].channels[index].isFinalAckOwed {
      connections[connection].channels[index].isFinalAckOwed = false
      let channel = connections[connection].channels[index]
      guard case .received(let end) = channel.ending else { continue }
      sendFinalAck(connection, channel.callNumber, index, end, reason: .delay, serial: .none)
    }
  }

  /// Before the port closes: servers repeat replies which nobody acknowledges for minutes.
  mutating func sendAllOwedFinalAcks() {
    for connection in 0..<connections.indexEnd where connections.isOccupied(connection) {
      if connections[connection].finalAcksAt != nil { sendOwedFinalAcks(connection) }
    }
  }
}
