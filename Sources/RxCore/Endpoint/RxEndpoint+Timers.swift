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
    guard calls[call].queued == nil else { return rearm(call) }
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
    probePath(call, now: now)
  }

  /// - Returns: false when the call has ended.
  private mutating func lifeTimerPassed(_ call: Int, now: MonotonicTime) -> Bool {
    switch calls[call].life.timerPassed(now: now) {
    case .none: break
    case .ping: calls[call].ack.wantPing()
    case .fail(let limit):
      if limit == .dead { judgeSizeOfDead(call, now: now) }
      abort(call, limit == .dead ? .rxCallDead : .rxCallTimeout, as: .timedOut(limit), now: now)
      return false
    }
    calls[call].timers.life = calls[call].life.deadline
    return true
  }

  // MARK: Idle connections

  var nextIdleExpiry: MonotonicTime? {
    var first: MonotonicTime?
    for (list, time) in [
      (idleClientConnections, clientIdleTime), (idleServerConnections, serverIdleTime),
      (lingeringConnections, configuration.connectionLingerTime),
    ] {
      guard let index = list.first, let since = connections[index].idle.since else { continue }
      first = min(first ?? .distantFuture, since + time)
    }
    if let oldest = idlePeers.first {
      first = min(first ?? .distantFuture, oldest.since + configuration.peerIdleTime)
    }
    return first
  }

  private var clientIdleTime: Duration { max(configuration.connectionIdleTime, configuration.connectionLingerTime) }
  private var serverIdleTime: Duration {
    max(configuration.serverConnectionIdleTime, configuration.connectionLingerTime)
  }

  mutating func expireIdleConnections(now: MonotonicTime) {
    while let index = idleClientConnections.first, isIdle(index, for: clientIdleTime, now: now) {
      removeConnection(index, now: now)
    }
    while let index = idleServerConnections.first, isIdle(index, for: serverIdleTime, now: now) {
      removeConnection(index, now: now)
    }
    while let index = lingeringConnections.first, isIdle(index, for: configuration.connectionLingerTime, now: now) {
      removeConnection(index, now: now)
    }
    expireIdlePeers(now: now)
  }

  func isIdle(_ connection: Int, for time: Duration, now: MonotonicTime) -> Bool {
    guard let since = connections[connection].idle.since else { return false }
    return since + time <= now
  }
}
