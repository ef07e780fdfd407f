package import AFSBase
import AFSTypes

/// Proofs that clients receive at the addresses they claim, and what is kept back until then.
///
/// A client proves it by bringing back something that it cannot guess: the serial of a packet of ours (`FirstSerials`),
/// the answer to a challenge, the reply to a call of ours, or the cookie of a version packet. A version packet has 29
/// bytes, less than any request has, while pings and challenges are often longer than what came; every Rx endpoint
/// there is answers it (OpenAFS src/rx/rx_packet.c, rxi_ReceiveVersionPacket; Linux net/rxrpc/local_event.c); and
/// nothing in it but the cookie says whom it went to.
extension RxEndpoint {
  static var questionByteCount: Int { RxHeader.byteCount + 1 }

  func isProven(_ peer: Int, now: MonotonicTime) -> Bool {
    configuration.trustsAddresses || peers[peer].proof.isProven(now: now)
  }

  /// The same of an address that may have no record.
  func isProven(_ address: RxAddress, now: MonotonicTime) -> Bool {
    if let peer = peersByAddress[address] { return isProven(peer, now: now) }
    if configuration.trustsAddresses { return true }
    guard let provenAt = provenStrangers.provenAt(address) else { return false }
    return provenAt + AddressProof.lifetime > now
  }

  /// Whether not even the question for a proof may go to a client's address: it is not proven, and what it has sent is
  /// used up. Only another datagram from there changes that.
  package func isMute(to address: RxAddress, now: MonotonicTime) -> Bool {
    guard let peer = peersByAddress[address], !isProven(peer, now: now) else { return false }
    return peers[peer].proof.budget(now: now) < Self.questionByteCount
  }

  /// Bytes that the call may send now.
  @inline(__always)
  func sendBudget(_ call: Int, now: MonotonicTime) -> Int {
    if calls[call].isClient || configuration.trustsAddresses { return .max }
    return peers[calls[call].peer].proof.budget(now: now)
  }

  @inline(__always)
  mutating func spend(_ byteCount: Int, _ call: Int, now: MonotonicTime) {
    if !calls[call].isClient { peers[calls[call].peer].proof.spent(byteCount, now: now) }
  }

  /// Whether an answer of `byteCount` bytes may go out on a connection; counts it if so.
  mutating func mayAnswer(_ connection: Int, _ byteCount: Int, now: MonotonicTime) -> Bool {
    if connections[connection].isClient || configuration.trustsAddresses { return true }
    let peer = connections[connection].peer
    guard peers[peer].proof.budget(now: now) >= byteCount else {
      askForProof(peer, now: now)
      return false
    }
    peers[peer].proof.spent(byteCount, now: now)
    return true
  }

  /// Whether an answer of `byteCount` bytes may go to the sender of a packet that is on no connection. The smallest
  /// requests are shorter than a refusal: of an address that is not proven, they count together.
  mutating func hasPaid(
    for byteCount: Int, _ packet: ReceivedPacket, from source: RxAddress, now: MonotonicTime
  ) -> Bool {
    let received = RxHeader.byteCount + packet.body.count
    if received >= byteCount || isProven(source, now: now) { return true }
    return strangerCredit.received(received, from: source) >= byteCount
  }

  /// A datagram for a server's connection came from the address that the connection answers to: as many bytes may go
  /// back, and calls that wait for that go on.
  mutating func earn(_ byteCount: Int, _ connection: Int, now: MonotonicTime) {
    let peer = connections[connection].peer
    guard !isProven(peer, now: now) else { return }
    peers[peer].proof.received(byteCount)
    guard !peers[peer].blockedCalls.isEmpty else { return }
    // Before anything else uses up what has come: answers to a client's pings could go on doing that for ever.
    askForProof(peer, now: now)
    unblock(peer, now: now)
  }

  // MARK: Questions

  /// Sends the question, if it was not sent a moment ago and what has come allows it.
  mutating func askForProof(_ peer: Int, now: MonotonicTime) {
    guard !isProven(peer, now: now), peers[peer].proof.mayAsk(Self.questionByteCount, now: now) else { return }
    peers[peer].proof.asked(now: now)
    peers[peer].proof.spent(Self.questionByteCount, now: now)
    sendQuestion(to: peers[peer].address, now: now)
  }

  /// Sends the question; what that costs is the caller's affair.
  mutating func sendQuestion(to address: RxAddress, now: MonotonicTime) {
    let cookie = addressCookie.value(for: address, now: now)
    let header = RxHeader(
      epoch: UInt32(truncatingIfNeeded: cookie >> 32), cid: UInt32(truncatingIfNeeded: cookie), callNumber: .connection,
      type: .version, flags: .clientInitiated, securityIndex: 0, serviceID: 0)
    datagrams.append(to: address, count: Self.questionByteCount) { bytes in
      header.write(to: bytes)
      bytes.store(UInt8(0), at: RxHeader.byteCount)
    }
  }

  /// A version packet which answers one: of ours, if it brings the cookie back.
  mutating func receivedVersionAnswer(_ header: RxHeader, from source: RxAddress, now: MonotonicTime) {
    let cookie = UInt64(header.epoch) << 32 | UInt64(header.cid)
    guard addressCookie.isGood(cookie, for: source, now: now) else { return }
    if let peer = peersByAddress[source] { proved(peer, now: now) } else { provenStrangers.note(source, now: now) }
  }

  /// The peer has proven its address: calls that waited for that go on.
  mutating func proved(_ peer: Int, now: MonotonicTime) {
    peers[peer].proof.proved(now: now)
    unblock(peer, now: now)
  }

  // MARK: Calls that wait

  /// The call has something to send that its peer's budget does not allow.
  mutating func block(_ call: Int, now: MonotonicTime) {
    askForProof(calls[call].peer, now: now)
    armTransmitTimers(call, now: now)
    awaitProof(call)
  }

  /// The call goes on when its client's address is proven, or has sent more.
  mutating func awaitProof(_ call: Int) {
    guard !calls[call].isBlocked else { return }
    calls[call].isBlocked = true
    peers[calls[call].peer].blockedCalls.append(calls.name(of: call))
  }

  private static let unblockedPerDatagram = 4

  private mutating func unblock(_ peer: Int, now: MonotonicTime) {
    guard !peers[peer].blockedCalls.isEmpty else { return }
    var names = peers[peer].blockedCalls[...]
    // One datagram lets few bytes out. Its sender, who may have a thousand calls waiting, cannot make us look at all.
    if !isProven(peer, now: now) { names = names.prefix(Self.unblockedPerDatagram) }
    peers[peer].blockedCalls.removeFirst(names.count)
    for name in names {
      guard let call = calls.index(of: name), !calls[call].phase.hasEnded else { continue }
      calls[call].isBlocked = false
      if !calls[call].isAnnounced, !advanceStream(call, now: now) { continue }
      queueToSend(call)
      rearm(call)
    }
  }
}
