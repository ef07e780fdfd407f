import AFSBase
import AFSTypes

/// The client's side: connections to services and calls on them.
extension RxEndpoint {
  /// - Returns: the slab index of the new call, which may have ended already.
  mutating func startCall(to target: RxTarget, options: RxCallOptions, now: MonotonicTime) -> Int {
    guard !isShutDown else { return failedCall(.shutDown, options: options, now: now) }
    if let queue = targets[target], !queue.waiting.isEmpty { return queueCall(to: target, options: options, now: now) }
    do throws(RxSecurityFailure) {
      guard let connection = try admittingConnection(to: target, isExclusive: options.needsOwnConnection, now: now)
      else {
        return queueCall(to: target, options: options, now: now)
      }
      let index = calls.insert(boundCall(on: connection, options, now: now))
      bind(index, to: connection)
      return index
    } catch {
      return failedCall(.security(error.reason), options: options, now: now)
    }
  }

  /// A call for the next number of a free channel.
  mutating func boundCall(on connection: Int, _ options: RxCallOptions, now: MonotonicTime) -> RxCall {
    guard let channel = connections[connection].freeChannel() else {
      preconditionFailure("a listed connection has a free channel")
    }
    let peer = connections[connection].peer
    if options.probesUpgrade { connections[connection].probesUpgrade = true }
    var call = RxCall(
      isClient: true, connection: connection, peer: peer, channel: channel,
      callNumber: connections[connection].channels[channel].begin(),
      life: CallLife(deadTime: options.deadTime, idleTime: options.idleTime, now: now), configuration: configuration,
      knownPath: knownPath(peer, now: now), service: connections[connection].serviceID,
      now: now)
    call.timers.deadline = [options.deadline, lifetimeMax].compactMap { $0 }.min().map { now + $0 }
    call.boundAt = now
    return call
  }

  /// Makes a client's call the one under way on its channel.
  mutating func bind(_ index: Int, to connection: Int) {
    attach(index, connection, calls[index].channel)
    if !connections[connection].isGreeted { peers[connections[connection].peer].greetingCalls += 1 }
    if !connections[connection].hasFreeChannel { unlist(connection) }
    // Before the numbers wrap around, where peers differ, the connection makes room for another.
    if calls[index].callNumber.rawValue >= Self.callNumberMax { retire(connection) }
    callTimers.set(index, calls[index].nextTimer)
  }

  private static var callNumberMax: UInt32 { 0x7FFF_FFFF }

  /// A call which is on no connection.
  func unboundCall(_ options: RxCallOptions, now: MonotonicTime) -> RxCall {
    RxCall(
      isClient: true, connection: -1, peer: -1, channel: 0, callNumber: .connection,
      life: CallLife(deadTime: options.deadTime, idleTime: nil, now: now), configuration: configuration,
      knownPath: nil, service: ServiceID(0), now: now)
  }

  /// The configured limit on every call.
  var lifetimeMax: Duration? { configuration.callLifetimeMax > .zero ? configuration.callLifetimeMax : nil }

  /// Counts a new call into its connection and peer.
  mutating func attach(_ call: Int, _ connection: Int, _ channel: Int) {
    removeFromIdle(connection)
    connections[connection].channels[channel].call = call
    connections[connection].callCount += 1
    peers[connections[connection].peer].callCount += 1
  }

  /// A call that never began.
  mutating func failedCall(_ error: RxCallError, options: RxCallOptions, now: MonotonicTime) -> Int {
    var call = unboundCall(options, now: now)
    _ = call.phase.end()
    let index = calls.insert(call)
    events.append(.completed(RxCallHandle(rawValue: calls.name(of: index)), .failure(error)))
    return index
  }

  mutating func openConnection(
    to target: RxTarget, isExclusive: Bool, now: MonotonicTime
  ) throws(RxSecurityFailure) -> Int {
    let cid = takeConnectionID()
    var security: (any RxClientConnectionSecurity)?
    var securityIndex: UInt8 = 0
    if target.security != .none {
      guard let registered = clientSecurities[target.security] else {
        throw RxSecurityFailure(
          code: .rxInvalidOperation, reason: "security object \(target.security.rawValue) is unknown")
      }
      securityIndex = registered.securityIndex
      security = try registered.openConnection(
        RxSecurityContext(
          epoch: epoch, cid: cid, service: target.service, securityIndex: securityIndex, peer: target.peer))
    }
    let peer = findPeer(target.peer)
    peers[peer].connectionCount += 1
    beginNATPings(peer, now: now)
    let connection = connections.insert(
      RxConnection(
        client: target, peer: peer, epoch: epoch, cid: cid, securityIndex: securityIndex, security: security))
    clientConnections[cid] = connection
    connections[connection].isRetired = isExclusive
    appendToIdle(connection, now: now)
    if !isExclusive { targets[target, default: TargetQueue()].connectionCount += 1 }
    list(connection)
    return connection
  }

  private mutating func takeConnectionID() -> UInt32 {
    while clientConnections[nextConnectionID] != nil { nextConnectionID &+= lane.connectionIDStride }
    defer { nextConnectionID &+= lane.connectionIDStride }
    return nextConnectionID
  }

  // MARK: The list of connections with a free channel

  mutating func list(_ connection: Int) {
    guard let target = connections[connection].target, !connections[connection].isListed,
      !connections[connection].isRetired
    else { return }
    connections[connection].isListed = true
    availableConnections[target, default: []].append(connection)
  }

  mutating func unlist(_ connection: Int) {
    guard let target = connections[connection].target, connections[connection].isListed else { return }
    connections[connection].isListed = false
    if availableConnections[target]?.last == connection {
      availableConnections[target]?.removeLast()
    } else {
      availableConnections[target]?.removeAll { $0 == connection }
    }
    if availableConnections[target]?.isEmpty ?? false { availableConnections[target] = nil }
  }

  /// The connection takes no new calls.
  mutating func retire(_ connection: Int) {
    unlist(connection)
    guard !connections[connection].isRetired else { return }
    let since = connections[connection].idle.since
    if since != nil { removeFromIdle(connection) }
    connections[connection].isRetired = true
    leaveTarget(connection)
    if let since { appendToIdle(connection, now: since) }
  }

  /// The connection counts no more among those of its target.
  mutating func leaveTarget(_ connection: Int) {
    guard let target = connections[connection].target else { return }
    targets[target]?.connectionCount -= 1
    forgetTarget(target)
  }

  mutating func retireConnections(of reference: RxClientSecurityReference) {
    for connection in 0..<connections.indexEnd where connections.isOccupied(connection) {
      if connections[connection].target?.security == reference { retire(connection) }
    }
  }

  var bodyByteCountMax: Int { min(max(configuration.payloadMax, 64), PacketPool.blockByteCount) }
}
