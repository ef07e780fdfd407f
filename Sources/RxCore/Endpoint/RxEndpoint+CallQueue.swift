import AFSBase
import AFSTypes
import DequeModule

/// Which client calls begin at once, and which wait for a channel.
///
/// A target has a limited number of connections. And to a peer go only a few calls at a time on connections that it has
/// not answered on: a stock fileserver refuses first calls on many new connections of one host with VBUSY
/// (viced/host.c, host_thread_quota: eight at once were too many, four were not).
extension RxEndpoint {
  /// The connection on which a call to `target` may begin now; nil if it must wait.
  mutating func admittingConnection(
    to target: RxTarget, isExclusive: Bool, now: MonotonicTime
  ) throws(RxSecurityFailure) -> Int? {
    let peer = peersByAddress[target.peer]
    let mayGreet = peer.map { peers[$0].greetingCalls < configuration.greetingCallsMax } ?? true
    if isExclusive { return mayGreet ? try openConnection(to: target, isExclusive: true, now: now) : nil }
    if let connection = availableConnection(to: target, mayGreet: mayGreet) { return connection }
    guard mayGreet, targets[target]?.connectionCount ?? 0 < configuration.connectionsPerTargetMax else { return nil }
    return try openConnection(to: target, isExclusive: false, now: now)
  }

  private mutating func availableConnection(to target: RxTarget, mayGreet: Bool) -> Int? {
    for connection in (availableConnections[target] ?? []).reversed() {
      guard connections[connection].clientSecurity?.acceptsNewCalls ?? true else {
        retire(connection)
        continue
      }
      if connections[connection].isGreeted || mayGreet { return connection }
    }
    return nil
  }

  // MARK: Waiting

  /// A call without a connection yet.
  mutating func queueCall(to target: RxTarget, options: RxCallOptions, now: MonotonicTime) -> Int {
    guard queuedCallCount < configuration.queuedCallsMax else {
      return failedCall(.tooManyCalls, options: options, now: now)
    }
    var call = unboundCall(options, now: now)
    lastTicket += 1
    call.queued = QueuedCall(target: target, options: options, ticket: lastTicket)
    call.timers.deadline = [options.deadline, lifetimeMax].compactMap { $0 }.min().map { now + $0 }
    let index = calls.insert(call)
    targets[target, default: TargetQueue()].waiting.append(calls.name(of: index))
    queuedCallCount += 1
    callTimers.set(index, calls[index].nextTimer)
    return index
  }

  /// Lets calls begin that waited for what may have come: a free channel, or a peer's first answer.
  mutating func admitQueued(to target: RxTarget, now: MonotonicTime) {
    while let name = targets[target]?.waiting.first {
      guard let index = calls.index(of: name), let queued = calls[index].queued else {
        targets[target]?.waiting.removeFirst()
        continue
      }
      do throws(RxSecurityFailure) {
        guard
          let connection = try admittingConnection(to: target, isExclusive: queued.options.needsOwnConnection, now: now)
        else { return }
        targets[target]?.waiting.removeFirst()
        begin(index, queued, on: connection, now: now)
      } catch {
        targets[target]?.waiting.removeFirst()
        complete(index, .failure(.security(error.reason)), ending: .silent, now: now)
      }
    }
    forgetTarget(target)
  }

  private mutating func begin(_ index: Int, _ queued: QueuedCall, on connection: Int, now: MonotonicTime) {
    queuedCallCount -= 1
    let deadline = calls[index].timers.deadline
    let isReleased = calls[index].isReleased
    let startedAt = calls[index].measure.startedAt
    calls[index] = boundCall(on: connection, queued.options, now: now)
    calls[index].timers.deadline = deadline
    calls[index].isReleased = isReleased
    calls[index].measure = CallMeasure(startedAt: startedAt)
    bind(index, to: connection)
    if queued.isClosed {
      _ = write(index, UnsafeRawBufferPointer(start: nil, count: 0), isLast: true)
    } else {
      events.append(.writable(handle(index)))
    }
  }

  /// The call ended while it waited.
  mutating func dequeue(_ call: Int) {
    guard let queued = calls[call].queued else { return }
    calls[call].queued = nil
    queuedCallCount -= 1
    let name = calls.name(of: call)
    targets[queued.target]?.waiting.removeAll { $0 == name }
    forgetTarget(queued.target)
  }

  /// The peer answered nothing on a new connection until it counted as dead: calls that wait for such a connection are not
  /// made to find that out again, a few at a time.
  mutating func failQueued(to target: RxTarget, _ error: RxCallError, now: MonotonicTime) {
    while let name = targets[target]?.waiting.popFirst() {
      guard let index = calls.index(of: name), calls[index].queued != nil else { continue }
      complete(index, .failure(error), ending: .silent, now: now)
    }
    forgetTarget(target)
  }

  mutating func forgetTarget(_ target: RxTarget) {
    if targets[target]?.isEmpty ?? false { targets[target] = nil }
  }

  // MARK: Greetings

  /// Whether a packet shows that the server has taken a call up. Its acks do, if they come later than those that every
  /// first packet causes: a long request must not hold up those who wait. First-contact pings do not.
  func isGreeting(_ packet: ReceivedPacket, _ call: Int, now: MonotonicTime) -> Bool {
    switch packet.type {
    case .data, .abort: true
    case .ack:
      packet.body.count > 16 && packet.body[16] != AckReason.ping.rawValue
        && calls[call].boundAt + Self.greetingTime <= now
    default: false
    }
  }

  /// Stock servers acknowledge a request after 100 ms which they still work on (OpenAFS src/rx/rx.c, rx_softAckDelay).
  private static var greetingTime: Duration { .milliseconds(100) }

  /// The server answered on a connection: its calls count no more among those which greet.
  mutating func greeted(_ connection: Int, now: MonotonicTime) {
    guard !connections[connection].isGreeted else { return }
    connections[connection].isGreeted = true
    peers[connections[connection].peer].greetingCalls -= connections[connection].callCount
    admitQueued(where: connections[connection].address, now: now)
  }

  /// The same for all targets of a peer, in the order in which their first calls came.
  mutating func admitQueued(where address: RxAddress, now: MonotonicTime) {
    guard queuedCallCount > 0 else { return }
    var found: [(ticket: Int, target: RxTarget)] = []
    for (target, queue) in targets where target.peer == address {
      guard let name = queue.waiting.first else { continue }
      found.append((calls.index(of: name).flatMap { calls[$0].queued?.ticket } ?? 0, target))
    }
    for (_, target) in found.sorted(by: { $0.ticket < $1.ticket }) { admitQueued(to: target, now: now) }
  }
}

/// A client call that waits for a channel.
struct QueuedCall {
  let target: RxTarget
  let options: RxCallOptions
  /// Rises from call to call.
  let ticket: Int
  /// An empty request was closed meanwhile.
  var isClosed = false
}
