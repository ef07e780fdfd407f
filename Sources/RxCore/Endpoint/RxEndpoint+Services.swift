import AFSBase
import AFSTypes

/// The service's side: connections of clients and their calls.
extension RxEndpoint {
  /// The connection that a client's packet belongs to; made when a call begins with it.
  mutating func serverConnection(
    for packet: ReceivedPacket, from source: RxAddress, now: MonotonicTime
  ) -> Int? {
    let key = ServerConnectionKey(packet.header, from: source)
    if let known = serverConnections[key] {
      guard connections[known].securityIndex == packet.header.securityIndex else { return nil }
      return known
    }
    // Only the beginning of a call opens a connection; anything else speaks of one from before our start.
    guard packet.type == .data, packet.header.callNumber != .connection, isFirstWindow(packet.header.seq) else {
      return nil
    }
    let id = wantedService(packet.header)
    guard let service = services[id],
      packet.header.securityIndex == 0 || service.securities[packet.header.securityIndex] != nil
    else {
      refuse(packet, from: source, now: now)
      return nil
    }
    guard admitsConnection(packet, of: service, from: source, now: now) else { return nil }
    return makeServerConnection(key, packet.header, (id, service), from: source, now: now)
  }

  /// The service that a connection's first packet is for: the successor of the one it names if it asks for that, and may.
  private func wantedService(_ header: RxHeader) -> ServiceID {
    let named = ServiceID(header.serviceID)
    guard header.userStatus == RxHeader.upgradeStatus, header.seq == .first,
      let successor = services[named]?.successor, let entry = services[successor],
      header.securityIndex == 0 || entry.securities[header.securityIndex] != nil
    else { return named }
    return successor
  }

  private mutating func makeServerConnection(
    _ key: ServerConnectionKey, _ header: RxHeader, _ service: (id: ServiceID, entry: ServiceEntry),
    from source: RxAddress, now: MonotonicTime
  ) -> Int? {
    if serverConnections.count >= configuration.serverConnectionsMax {
      // Not one whose client may still repeat a request that was served.
      guard let idle = dispensableConnection(now: now) else {
        refuseForNow(header, to: source, now: now)
        return nil
      }
      removeConnection(idle, now: now)
    }
    let context = RxSecurityContext(
      epoch: header.epoch, cid: header.connectionID, service: service.id,
      securityIndex: header.securityIndex, peer: source, peerSendsChecksums: header.checksum != 0)
    let protection = service.entry.securities[header.securityIndex]?.acceptConnection(context, nonce: generator.next())
    let peer = findPeer(source)
    peers[peer].connectionCount += 1
    let connection = connections.insert(
      RxConnection(
        server: header, peer: peer, address: source, security: protection, service: service.id,
        checksReachability: service.entry.checksReachability,
        firstSerial: firstSerials.base(header, from: source, now: now))
    )
    serverConnections[key] = connection
    return connection
  }

  private func isFirstWindow(_ seq: Seq) -> Bool { seq >= .first && seq - .first < configuration.receiveWindow }

  /// A call to a service we do not have.
  private mutating func refuse(_ packet: ReceivedPacket, from source: RxAddress, now: MonotonicTime) {
    guard hasPaid(for: RxHeader.byteCount + 4, packet, from: source, now: now), strayAnswers.admit(now: now) else {
      return
    }
    strangerCredit.spend(source)
    let header = RxHeader(
      epoch: packet.header.epoch, cid: packet.header.cid, callNumber: packet.header.callNumber, type: .abort, flags: [],
      securityIndex: packet.header.securityIndex, serviceID: packet.header.serviceID)
    appendAbort(header, .rxInvalidOperation, to: source)
  }

  /// A connection that can go, of those idle for longest: one whose client will not repeat a request that was served.
  /// A client whose address is not proven is believed to do so only as long as it would wait until its next attempt.
  private func dispensableConnection(now: MonotonicTime) -> Int? {
    var next = idleServerConnections.first
    for _ in 0..<64 {
      guard let index = next else { return nil }
      let patience =
        isProven(connections[index].peer, now: now)
        ? configuration.connectionLingerTime : configuration.retransmitTimeoutMax
      if !connections[index].hasServed || isIdle(index, for: patience, now: now) { return index }
      next = connections[index].idle.next >= 0 ? connections[index].idle.next : nil
    }
    return nil
  }

  /// BUSY to a call on a connection that we have no room for.
  private mutating func refuseForNow(_ received: RxHeader, to source: RxAddress, now: MonotonicTime) {
    guard strayAnswers.admit(now: now) else { return }
    let header = RxHeader(
      epoch: received.epoch, cid: received.cid, callNumber: received.callNumber, type: .busy, flags: [],
      securityIndex: received.securityIndex, serviceID: received.serviceID)
    datagrams.append(to: source, count: RxHeader.byteCount) { header.write(to: $0) }
  }

  /// A call number which the channel has not seen: a call begins, if we can take it.
  /// - Returns: the call, and whether it has its place among those that cannot be announced yet.
  mutating func acceptCall(
    _ packet: ReceivedPacket, _ connection: Int, now: MonotonicTime
  ) -> (call: Int, hasPlace: Bool)? {
    let header = packet.header
    guard packet.type == .data, isFirstWindow(header.seq) else { return nil }
    let canBeAnnounced =
      header.seq == .first && connections[connection].isAuthenticated && isReachable(connection, now: now)
    guard waitingCalls < configuration.acceptQueueDepth else {
      if strayAnswers.admit(now: now), mayAnswer(connection, RxHeader.byteCount, now: now) {
        sendBusy(header, connection)
      }
      noteIdle(connection, now: now)
      return nil
    }
    guard canBeAnnounced || makeHalfOpenPlace(connection, now: now) else {
      noteIdle(connection, now: now)
      return nil
    }
    let peer = connections[connection].peer
    renewSerials(connection, now: now)
    connections[connection].channels[header.channel].callNumber = header.callNumber
    var call = RxCall(
      isClient: false, connection: connection, peer: peer, channel: header.channel, callNumber: header.callNumber,
      life: CallLife(deadTime: configuration.serverDeadTime, idleTime: nil, now: now), configuration: configuration,
      knownPath: knownPath(peer, now: now), service: connections[connection].serviceID,
      now: now)
    call.life.sent(now: now)
    call.timers.life = call.life.deadline
    call.timers.deadline = lifetimeMax.map { now + $0 }
    let index = calls.insert(call)
    halfOpenCalls += 1
    if !canBeAnnounced { takeHalfOpenPlace(index, now: now) }
    attach(index, connection, header.channel)
    return (index, !canBeAnnounced)
  }

  /// A call begins on a connection without others, for a client whose last proof is too old: whoever knew the serials may
  /// not be at the address any more.
  private mutating func renewSerials(_ connection: Int, now: MonotonicTime) {
    guard connections[connection].hasServed, connections[connection].callCount == 0,
      !isProven(connections[connection].peer, now: now)
    else { return }
    connections[connection].renewSerials(from: FirstSerials.random(using: &generator))
  }

  /// The client's next call on a channel says that it has the reply of the former, or has given it up: even if we have no
  /// room for that call, or its first packets were lost.
  mutating func endForNextCall(_ call: Int, now: MonotonicTime) {
    let completion: RxCompletion =
      calls[call].transmit.hasSentAll ? .success : .failure(.aborted(.rxCallDead))
    complete(call, completion, ending: .silent, now: now)
  }

  private mutating func sendBusy(_ received: RxHeader, _ connection: Int) {
    let header = connections[connection].header(.busy, callNumber: received.callNumber, channel: received.channel)
    datagrams.append(to: connections[connection].address, count: RxHeader.byteCount) { header.write(to: $0) }
  }

  /// Tells the driver of a new call once its first bytes can be read.
  mutating func announceCall(_ call: Int, now: MonotonicTime) {
    guard !calls[call].isAnnounced, calls[call].receive.isReadable else { return }
    leaveHalfOpen(call)
    calls[call].isAnnounced = true
    if calls[call].hasWithheld { calls[call].ack.wantAck() }
    calls[call].isWaiting = true
    waitingCalls += 1
    let connection = calls[call].connection
    connections[connection].hasServed = true
    if !isProven(calls[call].peer, now: now) {
      calls[call].isOnTrust = true
      callsOnTrust += 1
    }
    events.append(
      .incoming(
        RxCallHandle(rawValue: calls.name(of: call)),
        RxIncomingCall(
          peer: connections[connection].address, service: connections[connection].serviceID,
          epoch: connections[connection].epoch, cid: connections[connection].cid | UInt32(calls[call].channel),
          securityIndex: connections[connection].securityIndex,
          authentication: connections[connection].serverSecurity?.authentication)))
  }

  /// The driver took up a call.
  mutating func beginWork(on call: Int) {
    guard calls[call].isWaiting else { return }
    calls[call].isWaiting = false
    waitingCalls -= 1
  }
}
