import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// Floods, counted in packets and in places of the tables: memory and work stay bounded.
@Suite struct FloodTests {
  @Test("Half-open connections by the hundred thousand fill no more than their tables")
  func halfOpen() {
    var configuration = RxEndpointConfiguration()
    configuration.serverConnectionsMax = 1000
    configuration.halfOpenCallsMax = 100
    let scene = AmplificationTests.Scene(configuration: configuration)
    for number in 0..<100_000 {
      // The first packet of many; the rest never comes.
      var header = AmplificationTests.request(cid: UInt32(number) << 2, flags: .clientInitiated)
      header.seq = Seq(number % 2 == 0 ? 1 : 2)
      scene.receive(header, [1, 2, 3, 4], from: AmplificationTests.stranger(number))
      if number % 1000 == 0 { scene.now = scene.now + .milliseconds(1) }
    }
    #expect(scene.endpoint.serverConnections.count <= 1000)
    #expect(scene.endpoint.connections.indexEnd <= 1001)
    #expect(scene.endpoint.peers.indexEnd <= 1001)
    #expect(scene.endpoint.calls.indexEnd <= 100 + 1000)
    #expect(scene.endpoint.pool.blocksInUse <= 100 * 2 + 64 * (configuration.transmitWindow + 2))
    #expect(scene.amplified == [])
    scene.wait(.seconds(800))
    #expect(scene.endpoint.census == RxEndpointCensus())
  }

  @Test("Endless small packets: the window bounds what is kept, and acks are fewer than packets")
  func smallPackets() {
    let dialogue = PacketDialogue.serving()
    var acks = 0
    for seq in UInt32(1)...20_000 {
      dialogue.peerSendsData(seq: seq, count: seq % 2 == 0 ? 0 : 1)
      if seq % 8 == 0 { acks += dialogue.sent().count }
      if seq % 100 == 0 { _ = dialogue.read() }
      #expect(dialogue.endpoint.pool.blocksInUse <= 255)
    }
    #expect(acks <= 20_000 / 4)
  }

  @Test("A packet beyond the window, again and again, is kept never and answered once per turn")
  func beyondWindow() {
    let dialogue = PacketDialogue.serving()
    dialogue.peerSendsData(seq: 1)
    dialogue.collectEvents()
    _ = dialogue.sent()
    for _ in 0..<5000 { dialogue.peerSendsData(seq: 100_000, flags: .requestAck) }
    #expect(dialogue.endpoint.pool.blocksInUse <= 1)
    #expect(dialogue.sent().count == 1)
  }

  @Test("Forged acks for packets never sent change nothing", arguments: [UInt32(13), 0, 0x7FFF_FFFF, 0xFFFF_FFF0])
  func forgedAcks(first: UInt32) {
    let dialogue = PacketDialogue.calling(requestCount: 14_160)
    #expect(dialogue.sent().count == 10)
    let index = dialogue.endpoint.calls.index(of: dialogue.call!.rawValue)!
    for _ in 0..<1000 {
      dialogue.peerSendsAck(.requested, first: first, soft: String(repeating: "A", count: 200), window: .max)
    }
    #expect(dialogue.endpoint.calls[index].transmit.base == .first)
    #expect(dialogue.endpoint.calls[index].transmit.inFlight == 10)
    #expect(dialogue.sent().isEmpty)
    #expect(dialogue.takeEvents() == [])
  }

  @Test("Soft acks beyond what was sent acknowledge nothing, and a giant window is no licence")
  func softAcksBeyond() {
    let dialogue = PacketDialogue.calling(requestCount: 14_160)
    _ = dialogue.sent()
    let index = dialogue.endpoint.calls.index(of: dialogue.call!.rawValue)!
    dialogue.peerSendsAck(.requested, first: 1, soft: String(repeating: "A", count: 255), serial: 1, window: .max)
    #expect(dialogue.endpoint.calls[index].transmit.softAcknowledged == 10)
    #expect(dialogue.endpoint.calls[index].transmit.peerWindow <= dialogue.endpoint.configuration.transmitWindow)
  }

  @Test("Packets of another epoch do not reach a call, nor the connection of another client")
  func wrongEpochs() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    let epoch = dialogue.epoch
    for wrong in [0, epoch &+ 1, epoch ^ 0x8000_0000, .max] {
      dialogue.epoch = wrong
      dialogue.peerSendsData(seq: 1, flags: .lastPacket)
      dialogue.peerAborts(-1)
    }
    #expect(dialogue.takeEvents() == [])
    #expect(dialogue.sent().isEmpty)
    dialogue.epoch = epoch
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    #expect(dialogue.takeEvents().count == 2)
  }

  @Test("A jumbogram whose lengths lie gives what is whole and no more")
  func lyingJumbograms() {
    let dialogue = PacketDialogue.serving()
    for count in [0, 3, 1411, 1412, 1413, 1415, 2000, 2827, 2828] {
      dialogue.peerSends(
        dialogue.peerHeader(.data, seq: 1, flags: [.jumbo, .lastPacket]),
        [UInt8](repeating: PacketFlags.jumbo.rawValue, count: count))
    }
    dialogue.collectEvents()
    #expect(dialogue.endpoint.pool.blocksInUse <= 2)
    #expect(dialogue.endpoint.calls.count <= 1)
  }

  @Test("A whole exchange replayed later is not served again and changes nothing")
  func replay() {
    let dialogue = PacketDialogue.serving()
    var headers: [(RxHeader, [UInt8])] = []
    for seq in UInt32(1)...3 {
      headers.append((dialogue.peerHeader(.data, seq: seq, flags: seq == 3 ? .lastPacket : []), [1, 2, 3, 4]))
    }
    for (header, body) in headers { dialogue.peerSends(header, body) }
    #expect(dialogue.takeEvents().count == 2)
    _ = dialogue.read()
    _ = dialogue.write(100, isLast: true)
    _ = dialogue.sent()
    dialogue.peerSendsAck(.delay, first: 2)
    dialogue.endpoint.release(dialogue.call!, now: dialogue.now)
    _ = dialogue.takeEvents()
    for _ in 0..<100 { for (header, body) in headers { dialogue.peerSends(header, body) } }
    #expect(dialogue.takeEvents() == [])
    #expect(dialogue.endpoint.calls.count == 0)
    #expect(dialogue.sent().allSatisfy { $0.ack?.first == 4 })
  }

  @Test("Challenges are answered four times a second at most: answers are long")
  func challengeFlood() throws {
    let dialogue = PacketDialogue.opening()
    let reference = dialogue.endpoint.register(TestSecurity(secret: 9))
    let call = dialogue.endpoint.openCall(
      to: RxTarget(peer: PacketDialogue.peerAddress, service: PacketDialogue.service, security: reference),
      options: RxCallOptions(), now: dialogue.now)
    _ = [UInt8](repeating: 0, count: 10).withUnsafeBytes {
      dialogue.endpoint.write(call, $0, isLast: true, now: dialogue.now)
    }
    let request = try #require(dialogue.sent().last)
    dialogue.cid = request.header.connectionID
    var responses = 0
    for step in 1...100 {
      dialogue.wait(until: step * 10)
      var header = dialogue.peerHeader(.challenge)
      header.callNumber = .connection
      header.securityIndex = 2
      dialogue.peerSends(header, [UInt8](repeating: 0, count: 8))
      responses += dialogue.sent().count { $0.type == .response }
    }
    #expect(responses == 4)
  }
}
