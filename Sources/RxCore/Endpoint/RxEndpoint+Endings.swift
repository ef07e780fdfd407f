import AFSBase
import AFSTypes

/// How calls and connections end.
extension RxEndpoint {
  /// Ends a call. The one place that does; the driver is told exactly once.
  ///
  /// - Parameter ending: what its stragglers are answered with.
  mutating func complete(_ call: Int, _ completion: RxCompletion, ending: RxChannel.Ending, now: MonotonicTime) {
    guard calls[call].phase.end() else { return }
    calls[call].measure.endedAt = now
    calls[call].measure.completion = completion
    beginWork(on: call)
    // Before the channel is free: none of those that wait shall begin on it.
    if let (target, error) = unansweredTarget(call, completion) { failQueued(to: target, error, now: now) }
    if !calls[call].isClient, !calls[call].isAnnounced { leaveHalfOpen(call) }
    if calls[call].isOnTrust { callsOnTrust -= 1 }
    let provenPeer =
      calls[call].isClient && completion == .success && calls[call].queued == nil
      ? peers.name(of: calls[call].peer) : nil
    if calls[call].queued == nil {
      calls[call].statistics.roundTrip = peers[calls[call].peer].rtt.smoothed
      calls[call].statistics.service = connections[calls[call].connection].serviceID
    }
    if completion == .success { noteWindow(call, now: now) }
    calls[call].transmit.drain(pool: &pool)
    callTimers.set(call, nil)
    if calls[call].queued != nil { dequeue(call) } else { detach(call, ending: ending, now: now) }
    if calls[call].isReleased || (!calls[call].isClient && !calls[call].isAnnounced) {
      // Nobody knows it, or wants to.
      free(call)
    } else {
      events.append(.completed(handle(call), completion))
    }
    // At the end: calls of the peer's that waited for it go on.
    if let peer = provenPeer.flatMap({ peers.index(of: $0) }) { proved(peer, now: now) }
  }

  /// The target of a client's call that failed because its peer, on a new connection, has not given a sign of life.
  private func unansweredTarget(_ call: Int, _ completion: RxCompletion) -> (RxTarget, RxCallError)? {
    guard calls[call].isClient, calls[call].queued == nil, case .failure(let error) = completion,
      !connections[calls[call].connection].isGreeted, let target = connections[calls[call].connection].target
    else { return nil }
    switch error {
    case .timedOut(.dead), .unreachable: return (target, error)
    default: return nil
    }
  }

  private mutating func detach(_ call: Int, ending: RxChannel.Ending, now: MonotonicTime) {
    let connection = calls[call].connection
    let channel = calls[call].channel
    connections[connection].channels[channel].call = -1
    connections[connection].channels[channel].ending = ending
    connections[connection].channels[channel].freeSince = now.nanoseconds
    connections[connection].callCount -= 1
    peers[calls[call].peer].callCount -= 1
    if calls[call].isClient, !connections[connection].isGreeted { peers[calls[call].peer].greetingCalls -= 1 }
    let (target, address, isGreeted) = (
      connections[connection].target, connections[connection].address, connections[connection].isGreeted
    )
    list(connection)
    noteIdle(connection, now: now)
    guard queuedCallCount > 0, let target else { return }
    if isGreeted { admitQueued(to: target, now: now) } else { admitQueued(where: address, now: now) }
  }

  /// Ends a call with an ABORT, unless the peer has never heard of it.
  mutating func abort(_ call: Int, _ code: AbortCode, as error: RxCallError, now: MonotonicTime) {
    if calls[call].isClient ? calls[call].transmit.hasSentAny : mayAnswer(calls[call].connection, 32, now: now) {
      sendAbort(of: call, code)
    }
    complete(call, .failure(error), ending: .aborted(code.rawValue), now: now)
  }

  /// Gives a call's place and memory back. Nothing may name it afterwards.
  mutating func free(_ index: Int) {
    callTimers.set(index, nil)
    var call = calls.remove(index)
    // A call that never began has no number.
    if call.callNumber != .connection {
      // Those of files go past the places that note the first word.
      call.measure.carried(sent: call.statistics.bytesWritten, received: call.statistics.bytesRead)
      operations.record(call.measure, service: call.service, isOutgoing: call.isClient)
    }
    call.receive.drain(pool: &pool)
    call.transmit.drain(pool: &pool)
  }

  // MARK: Connections

  /// Lists a connection without calls as idle.
  mutating func noteIdle(_ connection: Int, now: MonotonicTime) {
    guard connections[connection].callCount == 0, connections[connection].idle.since == nil else { return }
    appendToIdle(connection, now: now)
    while lingeringConnections.count > configuration.lingeringConnectionsMax, let oldest = lingeringConnections.first {
      removeConnection(oldest, now: now)
    }
  }

  mutating func appendToIdle(_ connection: Int, now: MonotonicTime) {
    if !connections[connection].isClient {
      idleServerConnections.append(connection, in: &connections, now: now)
    } else if connections[connection].isRetired {
      lingeringConnections.append(connection, in: &connections, now: now)
    } else {
      idleClientConnections.append(connection, in: &connections, now: now)
    }
  }

  /// No effect on a connection with calls.
  mutating func removeFromIdle(_ connection: Int) {
    if !connections[connection].isClient {
      idleServerConnections.remove(connection, in: &connections)
    } else if connections[connection].isRetired {
      lingeringConnections.remove(connection, in: &connections)
    } else {
      idleClientConnections.remove(connection, in: &connections)
    }
  }

  /// Ends all calls of a connection and lets it take no more.
  mutating func endConnection(_ connection: Int, _ error: RxCallError, now: MonotonicTime) {
    retire(connection)
    for channel in 0..<4 {
      let call = connections[connection].channels[channel].call
      if call >= 0 { complete(call, .failure(error), ending: .silent, now: now) }
    }
  }

  /// A connection broke the rules of its security class: the peer is told, its calls end.
  mutating func failConnection(_ connection: Int, _ code: AbortCode, now: MonotonicTime) {
    sendConnectionAbort(connection, code, now: now)
    if !connections[connection].isClient { connections[connection].failure = code }
    endConnection(connection, .abortedLocally(code), now: now)
  }

  /// Forgets a connection without calls.
  mutating func removeConnection(_ index: Int, now: MonotonicTime) {
    assert(connections[index].callCount == 0)
    unlist(index)
    removeFromIdle(index)
    if connections[index].isClient {
      if !connections[index].isRetired { leaveTarget(index) }
      clientConnections[connections[index].cid] = nil
    } else {
      serverConnections[
        ServerConnectionKey(
          epoch: connections[index].epoch, cid: connections[index].cid, address: connections[index].address)] = nil
    }
    connectionTimers.set(index, nil)
    let peer = connections[index].peer
    if connections[index].isClient { endNATPings(peer) }
    _ = connections.remove(index)
    peers[peer].connectionCount -= 1
    if peers[peer].connectionCount == 0 { retirePeer(peer, now: now) }
  }

  // MARK: Network errors

  /// The datagram was too long for the path (EMSGSIZE): no word about the peer.
  static var messageTooLong: Int32 { 90 }

  mutating func failCalls(of address: RxAddress, errno: Int32, now: MonotonicTime) {
    guard errno != Self.messageTooLong, let peer = peersByAddress[address], peers[peer].callCount > 0 else { return }
    for call in 0..<calls.indexEnd where calls.isOccupied(call) {
      guard !calls[call].phase.hasEnded, calls[call].peer == peer else { continue }
      complete(call, .failure(.unreachable(errno)), ending: .silent, now: now)
    }
  }
}
