import AFSBase

/// First-contact pings of services (OpenAFS src/rx/rx.c, rxi_CheckConnReach): a call is served once its client has
/// shown that it receives at the address it claims.
extension RxEndpoint {
  /// Whether a call on a client's connection may be announced. A service that checks wants the proof itself:
  /// `trustsAddresses` does not do in its place.
  func isReachable(_ connection: Int, now: MonotonicTime) -> Bool {
    let peer = connections[connection].peer
    return connections[connection].checksReachability
      ? isReachable(checked: true, isProven: peers[peer].proof.isProven(now: now))
      : isReachable(checked: false, isProven: isProven(peer, now: now))
  }

  /// A few calls are served on trust, so that a small request with a small reply takes one round trip.
  /// - Parameter checked: whether the service has `checksReachability`, and so trusts nobody.
  func isReachable(checked: Bool, isProven: Bool) -> Bool {
    isProven || (!checked && callsOnTrust < configuration.callsOnTrustMax)
  }

  /// The least that a ping has: one without soft acks.
  private static var pingByteCount: Int { RxHeader.byteCount + OutgoingAck.byteCount(softAckCount: 0) }

  /// A call waits for its client's answer: the ping goes out, unless it has.
  mutating func demandReachability(_ call: Int, now: MonotonicTime) {
    let connection = calls[call].connection
    awaitProof(call)
    guard !connections[connection].reach.isAwaiting else { return }
    guard sendBudget(call, now: now) >= Self.pingByteCount else { return block(call, now: now) }
    calls[call].ack.wantPing()
    queueToSend(call)
    connections[connection].reach.asked(now: now)
    connectionTimers.set(connection, connections[connection].reach.nextAt)
  }

  /// The ping was not answered in time: another one, for any call that still waits.
  mutating func repeatReachPing(_ connection: Int, now: MonotonicTime) {
    connections[connection].reach.answered()
    // Another connection of the same client may have brought the proof.
    if isReachable(connection, now: now) { return advanceStreams(of: connection, now: now) }
    for channel in 0..<4 {
      let call = connections[connection].channels[channel].call
      guard call >= 0, !calls[call].isAnnounced else { continue }
      return demandReachability(call, now: now)
    }
  }

  /// A call's client has answered a ping: if that was awaited, the connection's calls go on.
  /// - Returns: false when the call that brought the answer has ended.
  mutating func becameReachable(_ connection: Int, _ call: Int, now: MonotonicTime) -> Bool {
    guard connections[connection].reach.isAwaiting, isReachable(connection, now: now) else { return true }
    connections[connection].reach.answered()
    let name = calls.name(of: call)
    advanceStreams(of: connection, now: now)
    return calls.index(of: name) != nil
  }
}
