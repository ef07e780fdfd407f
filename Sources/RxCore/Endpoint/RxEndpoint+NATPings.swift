import AFSBase
import AFSTypes

/// Datagrams to idle servers that keep the mappings of address translators alive, so that the servers' own calls
/// (callbacks) go on arriving (OpenAFS src/rx/rx.c, rxi_NatKeepAliveEvent).
extension RxEndpoint {
  /// A client connection to the peer was opened: it is pinged from now on, whenever nothing else is sent.
  mutating func beginNATPings(_ peer: Int, now: MonotonicTime) {
    guard let interval = configuration.natPingInterval else { return }
    peers[peer].clientConnectionCount += 1
    peers[peer].lastSentAt = now
    peerTimers.set(peer, now + interval)
  }

  /// A client connection to the peer was closed.
  mutating func endNATPings(_ peer: Int) {
    guard configuration.natPingInterval != nil else { return }
    peers[peer].clientConnectionCount -= 1
    if peers[peer].clientConnectionCount == 0 { peerTimers.set(peer, nil) }
  }

  mutating func peerTimerPassed(_ peer: Int, now: MonotonicTime) {
    guard let interval = configuration.natPingInterval, peers.isOccupied(peer), peers[peer].clientConnectionCount > 0
    else { return }
    if peers[peer].lastSentAt + interval <= now {
      sendNATPing(to: peers[peer].address)
      peers[peer].lastSentAt = now
    }
    peerTimers.set(peer, peers[peer].lastSentAt + interval)
  }

  /// A version packet that is no question: nobody answers it. Epoch 999 and the one byte behind the header are what
  /// OpenAFS sends.
  private mutating func sendNATPing(to address: RxAddress) {
    let header = RxHeader(
      epoch: 999, cid: 0, callNumber: .connection, type: .version, flags: .lastPacket, securityIndex: 0, serviceID: 0)
    datagrams.append(to: address, count: RxHeader.byteCount + 1) { bytes in
      header.write(to: bytes)
      bytes.store(UInt8(0), at: RxHeader.byteCount)
    }
  }
}
