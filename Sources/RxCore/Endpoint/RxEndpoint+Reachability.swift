import AFSBase

/// First-contact pings of services (OpenAFS src/rx/rx.c, rxi_CheckConnReach): a call is served once its client has
/// shown that it receives at the address it claims.
extension RxEndpoint {
  /// How long a proof counts (OpenAFS src/rx/rx.h, RX_CHECKREACH_TTL).
  static var reachabilityLifetime: Duration { .seconds(60) }

  func isReachable(_ connection: Int, now: MonotonicTime) -> Bool {
    guard connections[connection].checksReachability else { return true }
    guard let reachedAt = peers[connections[connection].peer].reachedAt else { return false }
    return reachedAt + Self.reachabilityLifetime > now
  }

  /// A call waits for its client's answer: the ping goes out, unless it has.
  mutating func demandReachability(_ call: Int, now: MonotonicTime) {
    let connection = calls[call].connection
    guard !connections[connection].reach.isAwaiting else { return }
    calls[call].ack.wantPing()
    queueToSend(call)
    connections[connection].reach.asked(now: now)
    connectionTimers.set(connection, connections[connection].reach.nextAt)
  }

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

  /// - Returns: false when the call that brought the answer has ended.
  mutating func becameReachable(_ connection: Int, _ call: Int, now: MonotonicTime) -> Bool {
    guard connections[connection].reach.isAwaiting, isReachable(connection, now: now) else { return true }
    connections[connection].reach.answered()
    let name = calls.name(of: call)
    advanceStreams(of: connection, now: now)
    return calls.index(of: name) != nil
  }
}
