import AFSBase
import AFSTypes
import DequeModule

/// The places of service calls that cannot be announced yet, and who gets one when all are taken.
///
/// Anybody can begin calls under forged addresses. When those have all places, a newcomer is asked for a proof of its
/// address, of which nothing is kept here (`AddressCookie`); whoever brings it takes the place of one that has not.
extension RxEndpoint {
  /// Whether a packet that begins a call on a new connection may make that connection. If not, its client has been
  /// asked for a proof, and begins the call again when it repeats the packet.
  mutating func admitsConnection(
    _ packet: ReceivedPacket, of service: ServiceEntry, from source: RxAddress, now: MonotonicTime
  ) -> Bool {
    let header = packet.header
    let isProven = isProven(source, now: now)
    let canBeAnnounced =
      header.seq == .first && header.securityIndex == 0
      && isReachable(checked: service.checksReachability, isProven: isProven)
    if canBeAnnounced || isProven || halfOpenCalls < configuration.halfOpenCallsMax { return true }
    // No more than has come.
    if RxHeader.byteCount + packet.body.count >= Self.questionByteCount { sendQuestion(to: source, now: now) }
    return false
  }

  /// - Returns: whether there is a place for one more call of the connection's client.
  mutating func makeHalfOpenPlace(_ connection: Int, now: MonotonicTime) -> Bool {
    if halfOpenCalls < configuration.halfOpenCallsMax { return true }
    let peer = connections[connection].peer
    guard isProven(peer, now: now) else {
      askForProof(peer, now: now)
      return false
    }
    guard let victim = nextVictim(now: now) else { return false }
    evict(victim, keeping: connection, now: now)
    return true
  }

  mutating func noteHalfOpen(_ call: Int) {
    halfOpenStrangers.append(calls.name(of: call))
    // Without those that are more than half-open, or gone, they fit.
    guard halfOpenStrangers.count + halfOpenProven.count > 2 * configuration.halfOpenCallsMax + 64 else { return }
    halfOpenStrangers = stillHalfOpen(halfOpenStrangers)
    halfOpenProven = stillHalfOpen(halfOpenProven)
  }

  private func stillHalfOpen(_ names: Deque<UInt64>) -> Deque<UInt64> {
    var still: Deque<UInt64> = []
    for name in names where isHalfOpen(name) { still.append(name) }
    return still
  }

  private func isHalfOpen(_ name: UInt64) -> Bool {
    guard let call = calls.index(of: name) else { return false }
    return !calls[call].isAnnounced && !calls[call].phase.hasEnded
  }

  /// The oldest half-open call of an address that is not proven, else the oldest.
  private mutating func nextVictim(now: MonotonicTime) -> Int? {
    while let name = halfOpenStrangers.popFirst() {
      guard isHalfOpen(name), let call = calls.index(of: name) else { continue }
      guard isProven(calls[call].peer, now: now) else { return call }
      halfOpenProven.append(name)
    }
    while let name = halfOpenProven.popFirst() {
      if isHalfOpen(name) { return calls.index(of: name) }
    }
    return nil
  }

  /// Forgets that the call ever began: its client's next packet may begin it again.
  private mutating func evict(_ call: Int, keeping kept: Int, now: MonotonicTime) {
    let (connection, channel, number) = (calls[call].connection, calls[call].channel, calls[call].callNumber)
    complete(call, .failure(.abortedLocally(.rxCallDead)), ending: .silent, now: now)
    if connection != kept, connections[connection].callCount == 0, !connections[connection].hasServed {
      removeConnection(connection, now: now)
    } else {
      connections[connection].channels[channel].callNumber = CallNumber(number.rawValue - 1)
    }
  }
}
