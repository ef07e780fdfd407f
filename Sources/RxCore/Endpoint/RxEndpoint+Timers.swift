import AFSBase
import AFSTypes

/// What the passing of time does to calls and connections.
extension RxEndpoint {
  /// Makes the endpoint's timer agree with the call's.
  @inline(__always)
  mutating func rearm(_ call: Int) {
    callTimers.set(call, calls[call].nextTimer)
  }

  mutating func callTimerPassed(_ call: Int, now: MonotonicTime) {
    guard calls.isOccupied(call), !calls[call].phase.hasEnded else { return }
    if let deadline = calls[call].timers.deadline, deadline <= now {
      return abort(call, .rxCallTimeout, as: .timedOut(.hard), now: now)
    }
    if let life = calls[call].timers.life, life <= now, !lifeTimerPassed(call, now: now) { return }
    calls[call].ack.deadlinePassed(now: now)
    if let loss = calls[call].timers.loss, loss <= now {
      calls[call].timers.loss = nil
      lossTimerPassed(call, now: now)
    }
    if let retransmit = calls[call].timers.retransmit, retransmit <= now {
      calls[call].timers.retransmit = nil
      retransmitTimerPassed(call, now: now)
    }
    // What will be sent now sets its timer when it is sent.
    if calls[call].nextToTransmit == nil { armTransmitTimers(call, now: now) } else { rearm(call) }
    queueToSend(call)
  }

  /// - Returns: false when the call has ended.
  private mutating func lifeTimerPassed(_ call: Int, now: MonotonicTime) -> Bool {
    switch calls[call].life.timerPassed(now: now) {
    case .none: break
    case .ping: calls[call].ack.wantPing()
    case .fail(let limit):
      abort(call, limit == .dead ? .rxCallDead : .rxCallTimeout, as: .timedOut(limit), now: now)
      return false
    }
    calls[call].timers.life = calls[call].life.deadline
    return true
  }

  // MARK: Idle connections

  var nextIdleExpiry: MonotonicTime? {
    let client = idleClientConnections.first.flatMap { connections[$0].idle.since }
      .map { $0 + configuration.connectionIdleTime }
    let server = idleServerConnections.first.flatMap { connections[$0].idle.since }
      .map { $0 + configuration.serverConnectionIdleTime }
    guard let client, let server else { return client ?? server }
    return min(client, server)
  }

  mutating func expireIdleConnections(now: MonotonicTime) {
    while let first = idleClientConnections.first, let since = connections[first].idle.since,
      since + configuration.connectionIdleTime <= now
    {
      removeConnection(first)
    }
    while let first = idleServerConnections.first, let since = connections[first].idle.since,
      since + configuration.serverConnectionIdleTime <= now
    {
      removeConnection(first)
    }
  }
}
