public import AFSBase
import AFSTypes

/// Copies of what lives.
extension RxEndpoint {
  /// At most `limit` of each kind: walks over all that lives, so ask rarely.
  public func tables(now: MonotonicTime, limit: Int = 10_000) -> RxTables {
    var tables = RxTables()
    tables.epoch = epoch
    tables.services = services.keys.sorted { $0.rawValue < $1.rawValue }
    for index in 0..<calls.indexEnd where calls.isOccupied(index) && tables.calls.count < limit {
      if let call = describeCall(index, now: now) { tables.calls.append(call) }
    }
    for index in 0..<connections.indexEnd where connections.isOccupied(index) && tables.connections.count < limit {
      tables.connections.append(describeConnection(index, now: now))
    }
    for index in 0..<peers.indexEnd where peers.isOccupied(index) && tables.peers.count < limit {
      tables.peers.append(describePeer(index, now: now))
    }
    tables.operations = operations.counts.map { RxTables.Operation(operation: $0.key, counts: $0.value) }
    tables.packets = packets
    tables.traffic = traffic
    return tables
  }

  /// nil for a call that has ended: its connection may be gone.
  func describeCall(_ index: Int, now: MonotonicTime) -> RxTables.Call? {
    guard !calls[index].phase.hasEnded else { return nil }
    if let queued = calls[index].queued {
      return RxTables.Call(
        peer: queued.target.peer, cid: 0, number: 0, service: queued.target.service, isOutgoing: true,
        step: .waiting, age: now - calls[index].measure.startedAt, packetsToRead: 0, packetsToAcknowledge: 0,
        congestionWindow: 0, code: nil)
    }
    let connection = calls[index].connection
    let isOutgoing = calls[index].isClient
    return RxTables.Call(
      peer: connections[connection].address, cid: connections[connection].cid | UInt32(calls[index].channel),
      number: calls[index].callNumber.rawValue, service: connections[connection].serviceID, isOutgoing: isOutgoing,
      step: step(of: index), age: now - calls[index].measure.startedAt,
      packetsToRead: max(0, calls[index].receive.highest - calls[index].receive.hardAckLimit + 1),
      packetsToAcknowledge: calls[index].transmit.inFlight + calls[index].transmit.lostCount,
      congestionWindow: calls[index].congestion.window, code: calls[index].measure.code)
  }

  private func step(of call: Int) -> RxTables.Call.Step {
    if !calls[call].isClient, !calls[call].isAnnounced { return .announcing }
    return switch calls[call].phase.step {
    case .sendingRequest: .sendingRequest
    case .receivingReply: .receivingReply
    case .receivingRequest: .receivingRequest
    case .sendingReply: .sendingReply
    case .ended: .ended
    }
  }

  func describeConnection(_ index: Int, now: MonotonicTime) -> RxTables.Connection {
    RxTables.Connection(
      peer: connections[index].address, epoch: connections[index].epoch, cid: connections[index].cid,
      service: connections[index].serviceID, securityIndex: connections[index].securityIndex,
      isOutgoing: connections[index].isClient, serial: connections[index].lastSerial.rawValue,
      callNumbers: (0..<4).map { connections[index].channels[$0].callNumber.rawValue },
      callCount: connections[index].callCount, idle: connections[index].idle.since.map { now - $0 })
  }

  func describePeer(_ index: Int, now: MonotonicTime) -> RxTables.Peer {
    let peer = peers[index]
    return RxTables.Peer(
      address: peer.address, connectionCount: peer.connectionCount, callCount: peer.callCount,
      roundTrip: peer.rtt.smoothed, roundTripVariation: peer.rtt.variation, payloadMax: peer.bodyByteCountMax,
      receiveWindow: peer.receiveWindowSeen, congestionWindow: knownPath(index, now: now)?.window,
      traffic: peer.traffic)
  }
}
