import AFSBase
import DequeModule

/// Records of peers: made with the first connection, kept for a while after the last.
extension RxEndpoint {
  /// The record of an address that is about to get a connection.
  mutating func findPeer(_ address: RxAddress) -> Int {
    if let known = peersByAddress[address] {
      peers[known].idleSince = nil
      return known
    }
    let peer = peers.insert(
      RxPeer(
        address: address, bodyByteCountMax: bodyByteCountMax,
        rtt: RTTEstimator(
          initialTimeout: configuration.retransmitTimeoutInitial, timeoutMin: configuration.retransmitTimeoutMin)))
    peersByAddress[address] = peer
    if let provenAt = provenStrangers.take(address) { peers[peer].proof.proved(now: provenAt) }
    return peer
  }

  /// A peer's last connection has gone. What was found out about the path is kept for the next, a stranger's record is
  /// not: those come at will.
  mutating func retirePeer(_ peer: Int, now: MonotonicTime) {
    guard configuration.peerIdleTime > .zero, peers[peer].isKnown else { return removePeer(peer) }
    peers[peer].idleSince = now
    idlePeers.append((peers.name(of: peer), now))
    while idlePeers.count > configuration.idlePeersMax { dropOldestIdlePeer() }
  }

  mutating func expireIdlePeers(now: MonotonicTime) {
    while let oldest = idlePeers.first, oldest.since + configuration.peerIdleTime <= now { dropOldestIdlePeer() }
  }

  private mutating func dropOldestIdlePeer() {
    guard let oldest = idlePeers.popFirst(), let peer = peers.index(of: oldest.name),
      peers[peer].idleSince == oldest.since
    else { return }
    removePeer(peer)
  }

  private mutating func removePeer(_ peer: Int) {
    peersByAddress[peers[peer].address] = nil
    peerTimers.set(peer, nil)
    _ = peers.remove(peer)
  }
}
