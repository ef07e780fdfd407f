import AFSBase
import AFSTypes

/// From a datagram to its connection and call.
extension RxEndpoint {
  mutating func route(_ packet: ReceivedPacket, from source: RxAddress, now: MonotonicTime) {
    switch packet.type {
    case .version:
      if !packet.header.isFromClient { return receivedVersionAnswer(packet.header, from: source, now: now) }
      return answerVersion(packet, from: source, now: now)
    case .debug: return answerDebug(packet, from: source, now: now)
    case .parameters, .parameters2, .parameters3: return
    case .data, .ack, .busy, .abort, .ackAll, .challenge, .response: break
    }
    if packet.header.isFromClient {
      guard let connection = serverConnection(for: packet, from: source, now: now) else { return }
      if connections[connection].address == source {
        earn(RxHeader.byteCount + packet.body.count, connection, now: now)
        guard connections.isOccupied(connection) else { return }
      }
      routeToService(packet, connection, now: now)
    } else {
      guard packet.header.epoch == epoch, let connection = clientConnections[packet.header.connectionID],
        connections[connection].securityIndex == packet.header.securityIndex
      else { return }
      routeToCaller(packet, connection, now: now)
    }
  }

  private mutating func routeToCaller(_ packet: ReceivedPacket, _ connection: Int, now: MonotonicTime) {
    peers[connections[connection].peer].traffic.received(bytes: RxHeader.byteCount + packet.body.count)
    if packet.header.callNumber == .connection {
      switch packet.type {
      case .abort: receivedConnectionAbort(packet.body, connection, now: now)
      case .challenge: receivedChallenge(packet.body, connection, now: now)
      default: break
      }
      return
    }
    connections[connection].answered(by: packet.header.serviceID)
    let channel = connections[connection].channels[packet.header.channel]
    guard packet.header.callNumber == channel.callNumber else {
      return answerStraggler(packet, connection, channel.ending(of: packet.header.callNumber), now: now)
    }
    // BUSY says that the server has not.
    if !channel.isTakenUp, packet.type != .busy {
      connections[connection].channels[packet.header.channel].isTakenUp = true
    }
    if channel.call >= 0 {
      deliver(packet, to: channel.call, now: now)
    } else {
      answerStraggler(packet, connection, channel.ending, now: now)
    }
  }

  private mutating func routeToService(_ packet: ReceivedPacket, _ connection: Int, now: MonotonicTime) {
    peers[connections[connection].peer].traffic.received(bytes: RxHeader.byteCount + packet.body.count)
    if let failure = connections[connection].failure {
      if packet.type != .abort { sendConnectionAbort(connection, failure, now: now) }
      return
    }
    if packet.header.callNumber == .connection {
      switch packet.type {
      case .abort: receivedConnectionAbort(packet.body, connection, now: now)
      case .response: receivedResponse(packet.body, connection, now: now)
      default: break
      }
      return
    }
    let channel = connections[connection].channels[packet.header.channel]
    if packet.header.callNumber == channel.callNumber {
      if channel.call >= 0 {
        deliver(packet, to: channel.call, now: now)
      } else {
        answerStraggler(packet, connection, channel.ending, now: now)
      }
      return
    }
    guard channel.callNumber == .connection || packet.header.callNumber > channel.callNumber else { return }
    if channel.call >= 0 { endForNextCall(channel.call, now: now) }
    guard let (call, hasPlace) = acceptCall(packet, connection, now: now) else { return }
    let name = calls.name(of: call)
    deliver(packet, to: call, now: now)
    if !hasPlace, let call = calls.index(of: name) { demandHalfOpenPlace(call, now: now) }
  }

  private mutating func deliver(_ packet: ReceivedPacket, to call: Int, now: MonotonicTime) {
    if packet.type == .data || packet.type == .ack, !calls[call].isContinued(by: packet.header.serial) {
      // What came of the reply must not be mixed with what another process makes of the request.
      return abort(call, .rxCallDead, as: .timedOut(.dead), now: now)
    }
    if calls[call].isClient, !connections[calls[call].connection].isGreeted, isGreeting(packet, call, now: now) {
      greeted(calls[call].connection, now: now)
    }
    // Of an ACK its handler judges whether it is a sign of life.
    if packet.type != .ack { calls[call].life.received(now: now) }
    switch packet.type {
    case .data: receivedData(packet, call, now: now)
    case .ack: receivedAck(packet, call, now: now)
    case .ackAll: receivedAckAll(call, now: now)
    case .abort:
      guard packet.body.count >= 4 else { return }
      let code = AbortCode(Int32(bitPattern: packet.body.uint32(at: 0)))
      complete(call, .failure(.aborted(code)), ending: .silent, now: now)
    case .busy:
      // A sign of life; the retransmission timer tries again.
      break
    case .challenge, .response, .debug, .version, .parameters, .parameters2, .parameters3: break
    }
  }

  /// Packets of a call that has ended: the peer missed our last word, which is repeated.
  private mutating func answerStraggler(
    _ packet: ReceivedPacket, _ connection: Int, _ ending: RxChannel.Ending, now: MonotonicTime
  ) {
    let header = packet.header
    let isPing = packet.type == .ack && header.flags.contains(.requestAck)
    guard packet.type == .data || isPing else { return }
    let byteCount: Int
    switch ending {
    case .silent: return
    case .aborted: byteCount = RxHeader.byteCount + 4
    case .received: byteCount = RxHeader.byteCount + OutgoingAck.byteCount(softAckCount: 0)
    }
    guard strayAnswers.admit(now: now), mayAnswer(connection, byteCount, now: now) else { return }
    switch ending {
    case .silent: break
    case .aborted(let code):
      sendAbort(connection, header.callNumber, header.channel, AbortCode(code))
    case .received(let end):
      sendFinalAck(
        connection, header.callNumber, header.channel, end, reason: isPing ? .pingResponse : .duplicate,
        serial: header.serial)
    }
  }

  /// The whole connection is aborted by the peer.
  private mutating func receivedConnectionAbort(_ body: UnsafeRawBufferPointer, _ connection: Int, now: MonotonicTime) {
    guard body.count >= 4 else { return }
    let code = AbortCode(Int32(bitPattern: body.uint32(at: 0)))
    endConnection(connection, .aborted(code), now: now)
  }

  /// Version packets are answered with a text of 65 bytes (OpenAFS src/rx/rx_packet.c, rxi_ReceiveVersionPacket), or of
  /// as many as the question had behind its header.
  private mutating func answerVersion(_ packet: ReceivedPacket, from source: RxAddress, now: MonotonicTime) {
    guard packet.header.isFromClient, versionAnswers.admit(now: now) else { return }
    var header = packet.header
    header.flags.remove(.clientInitiated)
    // No more bytes than the question had, for whom we do not know: its address may be forged.
    let textByteCount = answersDebug(source) ? 65 : min(65, packet.body.count)
    guard textByteCount > 0 else { return }
    let text = configuration.versionText.utf8.prefix(textByteCount - 1)
    datagrams.append(to: source, count: RxHeader.byteCount + textByteCount) { bytes in
      header.write(to: bytes)
      for (offset, byte) in text.enumerated() { bytes.store(byte, at: RxHeader.byteCount + offset) }
    }
  }
}
