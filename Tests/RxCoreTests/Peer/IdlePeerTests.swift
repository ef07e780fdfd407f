import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// Records of peers without connections.
@Suite struct IdlePeerTests {
  private static func idle(_ time: Duration, known: Bool = true) -> PacketDialogue {
    var configuration = RxEndpointConfiguration()
    configuration.peerIdleTime = time
    configuration.connectionIdleTime = .seconds(60)
    let dialogue = PacketDialogue.calling(configuration: configuration)
    _ = dialogue.sent()
    if known { dialogue.peerSendsData(seq: 1, flags: .lastPacket) } else { dialogue.peerAborts(7) }
    dialogue.endpoint.release(dialogue.call!, now: dialogue.now)
    _ = dialogue.sent(until: 61_000)
    #expect(dialogue.endpoint.connections.count == 0)
    return dialogue
  }

  @Test("What is known of a peer outlives its connections, for its time")
  func kept() {
    let dialogue = Self.idle(.seconds(100))
    #expect(dialogue.endpoint.peers.count == 1)
    let peer = dialogue.endpoint.peersByAddress[PacketDialogue.peerAddress]!
    let roundTrip = dialogue.endpoint.peers[peer].rtt.smoothed
    #expect(roundTrip != nil)
    dialogue.open()
    #expect(dialogue.endpoint.peersByAddress[PacketDialogue.peerAddress] == peer)
    // It has a connection again: its time has stopped.
    dialogue.wait(until: 170_000)
    #expect(dialogue.endpoint.peers.count == 1)
    #expect(dialogue.endpoint.peers[peer].rtt.smoothed == roundTrip)
  }

  @Test("It is gone after its time")
  func expired() {
    let dialogue = Self.idle(.seconds(100))
    dialogue.wait(until: 159_000)
    #expect(dialogue.endpoint.peers.count == 1)
    dialogue.wait(until: 162_000)
    #expect(dialogue.endpoint.peers.count == 0)
    #expect(dialogue.endpoint.peersByAddress.isEmpty)
    #expect(dialogue.endpoint.nextTimeout == nil)
  }

  @Test(
    "A peer of which nothing is known goes at once, and so does any if that is configured", arguments: [false, true])
  func dropped(known: Bool) {
    let dialogue = Self.idle(known ? .zero : .seconds(100), known: known)
    #expect(dialogue.endpoint.peers.count == 0)
    #expect(dialogue.endpoint.nextTimeout == nil)
  }

  @Test("Their number is bounded: the longest idle go first")
  func bounded() {
    var configuration = RxEndpointConfiguration()
    configuration.idlePeersMax = 3
    var endpoint = RxEndpoint(configuration: configuration, seed: 1, now: .zero)
    for number in 1...5 {
      let peer = endpoint.findPeer(RxAddress(ipv4: UInt32(number), port: 1))
      endpoint.peers[peer].rtt.add(.milliseconds(1))
      endpoint.retirePeer(peer, now: .zero + .seconds(number))
    }
    #expect(endpoint.peersByAddress.keys.compactMap(\.ipv4).sorted() == [3, 4, 5])
  }
}
