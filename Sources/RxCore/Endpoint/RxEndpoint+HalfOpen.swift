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
    if hasPaid(for: Self.questionByteCount, packet, from: source, now: now) {
      strangerCredit.spend(source)
      sendQuestion(to: source, now: now)
    }
    return false
  }

  /// Whether an ack of a service call may name packets that are kept. Clients do not repeat those: a half-open call whose
  /// client was told of them cannot be forgotten. So there must be half of the places without them. The answer is noted
  /// with the call: it is asked for when an ack is written, and only then.
  mutating func mayPromise(_ call: Int, now: MonotonicTime) -> Bool {
    if calls[call].isClient || calls[call].isAnnounced || calls[call].hasPromised { return true }
    calls[call].hasPromised =
      halfOpenCalls <= configuration.halfOpenCallsMax / 2 || isProven(calls[call].peer, now: now)
    if !calls[call].hasPromised { calls[call].hasWithheld = true }
    return calls[call].hasPromised
  }

  /// Makes room for one more call of the connection's client, where it must be by forgetting a stranger's.
  /// - Returns: whether there is a place.
  mutating func makeHalfOpenPlace(_ connection: Int, now: MonotonicTime) -> Bool {
    let peer = connections[connection].peer
    // Who receives at its address cannot be told from others by that. None has more than a share.
    if let count = halfOpenByHost[peers[peer].address.host], count >= halfOpenShare, isProven(peer, now: now) {
      return false
    }
    if halfOpenCalls < configuration.halfOpenCallsMax { return true }
    guard isProven(peer, now: now) else {
      askForProof(peer, now: now)
      return false
    }
    guard let victim = nextVictim(now: now) else { return false }
    evict(victim, now: now)
    return true
  }

  private var halfOpenShare: Int { max(configuration.halfOpenCallsMax / 4, 1) }

  // MARK: Who has a place

  /// A call that cannot be announced yet began.
  mutating func takeHalfOpenPlace(_ call: Int, now: MonotonicTime) {
    // Those of forged addresses are not the host's own.
    if isProven(calls[call].peer, now: now) {
      calls[call].countsForHost = true
      halfOpenByHost[peers[calls[call].peer].address.host, default: 0] += 1
    }
    halfOpenOrder.append(calls.name(of: call))
    // Without those that are gone, or not to be taken any more, they fit.
    guard halfOpenOrder.count > 2 * configuration.halfOpenCallsMax + 64 else { return }
    var still: Deque<UInt64> = []
    for name in halfOpenOrder where isDispensable(name) { still.append(name) }
    halfOpenOrder = still
  }

  /// A call began without a place, since its first packet was to announce it, and has not done so: what claims to hold
  /// several packets and does not, say. It needs one like any other.
  mutating func demandHalfOpenPlace(_ call: Int, now: MonotonicTime) {
    guard !calls[call].isAnnounced, !calls[call].phase.hasEnded else { return }
    if halfOpenCalls <= configuration.halfOpenCallsMax {
      takeHalfOpenPlace(call, now: now)
    } else {
      evict(call, now: now)
    }
  }

  /// A service call was announced, or has ended before.
  mutating func leaveHalfOpen(_ call: Int) {
    halfOpenCalls -= 1
    guard calls[call].countsForHost else { return }
    calls[call].countsForHost = false
    let host = peers[calls[call].peer].address.host
    let count = halfOpenByHost[host, default: 1] - 1
    halfOpenByHost[host] = count > 0 ? count : nil
  }

  /// Whether the name is of a half-open call whose client was told of none of its packets.
  private func isDispensable(_ name: UInt64) -> Bool {
    guard let call = calls.index(of: name) else { return false }
    return !calls[call].isAnnounced && !calls[call].hasPromised && !calls[call].phase.hasEnded
  }

  /// The oldest half-open call of an address that is not proven; those passed over are not looked at again.
  private mutating func nextVictim(now: MonotonicTime) -> Int? {
    while let name = halfOpenOrder.popFirst() {
      guard isDispensable(name), let call = calls.index(of: name), !isProven(calls[call].peer, now: now) else {
        continue
      }
      return call
    }
    return nil
  }

  /// Forgets that the call ever began: its client's next packet may begin it again. The connection stays, as long as there
  /// is room: the answer to a challenge or a question counts for it.
  private mutating func evict(_ call: Int, now: MonotonicTime) {
    let (connection, channel, number) = (calls[call].connection, calls[call].channel, calls[call].callNumber)
    complete(call, .failure(.abortedLocally(.rxCallDead)), ending: .silent, now: now)
    connections[connection].channels[channel].callNumber = CallNumber(number.rawValue - 1)
  }
}
