import AFSBase
import AFSTypes
import RxSecurity
import RxTesting
import Testing

@testable import RxCore

/// Several DATA packets in one datagram, where both sides want it.
@Suite struct JumbogramTests {
  private static func configuration(_ jumboTransmitMax: Int) -> RxEndpointConfiguration {
    var configuration = RxEndpointConfiguration()
    configuration.jumboTransmitMax = jumboTransmitMax
    return configuration
  }

  /// A call whose peer has advertised `advertised` packets a datagram; a request of 12 packets goes out.
  private static func request(configured: Int, advertised: UInt32) -> (PacketDialogue, [SentPacket]) {
    let dialogue = PacketDialogue.opening(configuration: configuration(configured))
    _ = dialogue.write(100, isLast: false)
    dialogue.endpoint.flush(dialogue.call!, now: dialogue.now)
    _ = dialogue.sent()
    dialogue.peerSendsAck(.requested, first: 2, jumbo: advertised)
    _ = dialogue.write(12 * JumboDatagram.payloadByteCount, isLast: true)
    return (dialogue, dialogue.sent())
  }

  private static func packets(_ datagram: SentPacket) -> [RxHeader] {
    datagram.body.withUnsafeBytes { bytes in
      var jumbo = JumboDatagram(header: datagram.header, body: bytes)
      var headers: [RxHeader] = []
      while let packet = jumbo.next() { headers.append(packet.header) }
      return headers
    }
  }

  @Test("Packets go together where that is configured and the peer advertises it", arguments: [2, 4, 8])
  func together(count: Int) {
    let (_, sent) = Self.request(configured: count, advertised: 4)
    let most = min(count, 4)
    #expect(sent[0].header.flags.contains(.jumbo))
    #expect(sent[0].body.count == most * 1412 + (most - 1) * 4)
    let first = Self.packets(sent[0])
    #expect(first.map(\.seq.rawValue) == (2..<(2 + UInt32(most))).map { $0 })
    let serial = first[0].serial
    #expect(first.enumerated().allSatisfy { $1.serial == serial + $0 })
    #expect(first.map { $0.flags.contains(.jumbo) } == Array(repeating: true, count: most - 1) + [false])
    // Each packet once, whatever it came in.
    let all = sent.flatMap(Self.packets)
    #expect(all.map(\.seq.rawValue) == (2..<(2 + UInt32(all.count))).map { $0 })
    #expect(Set(all.map(\.serial.rawValue)).count == all.count)
  }

  @Test("A jumbogram may be fragmented, and is no burst")
  func fragments() {
    let dialogue = PacketDialogue.opening(configuration: Self.configuration(4))
    _ = dialogue.write(100, isLast: false)
    dialogue.endpoint.flush(dialogue.call!, now: dialogue.now)
    _ = dialogue.sent()
    dialogue.peerSendsAck(.requested, first: 2, jumbo: 4)
    _ = dialogue.write(4 * JumboDatagram.payloadByteCount, isLast: true)
    let transmit = dialogue.transmits().first
    #expect(transmit?.mayFragment == true)
    #expect(transmit?.segmentSize == transmit?.byteCount)
  }

  @Test(
    "Packets go alone where one side does not want it", arguments: [(1, 4), (4, 1), (1, 1), (4, 0)] as [(Int, UInt32)])
  func alone(configured: Int, advertised: UInt32) {
    let (_, sent) = Self.request(configured: configured, advertised: advertised)
    #expect(!sent.isEmpty)
    #expect(sent.allSatisfy { !$0.header.flags.contains(.jumbo) && $0.body.count <= 1416 })
  }

  @Test("What we advertise is what is configured", arguments: [1, 4])
  func advertised(count: Int) {
    var configuration = RxEndpointConfiguration()
    configuration.jumboReceiveMax = count
    let dialogue = PacketDialogue.serving(configuration: configuration)
    dialogue.peerSendsData(seq: 1, flags: .requestAck)
    #expect(dialogue.sent().compactMap(\.trailer).map(\.packetsPerDatagram) == [UInt32(count)])
  }

  @Test("A packet of a lost jumbogram is sent again alone; after three timeouts there are no more jumbograms")
  func lost() {
    let (dialogue, _) = Self.request(configured: 4, advertised: 4)
    let repeated = dialogue.sent(until: 3000).filter { $0.type == .data }
    #expect(!repeated.isEmpty)
    #expect(repeated.allSatisfy { !$0.header.flags.contains(.jumbo) })
    var peer = RxPeer(
      address: PacketDialogue.peerAddress, bodyByteCountMax: 1416,
      rtt: RTTEstimator(initialTimeout: .seconds(1), timeoutMin: .zero))
    let trailer = AckTrailer(maxMTU: 1444, interfaceMTU: 1444, receiveWindow: 32, packetsPerDatagram: 4)
    for losses in 0...3 {
      peer.received(trailer, bodyByteCountMax: 1416, jumboMax: 8)
      #expect(peer.jumboMax == (losses < 3 ? 4 : 1))
      #expect(peer.bodyByteCountMax == (losses < 3 ? 1412 : 1416))
      peer.lostJumbogram()
    }
  }

  @Test("Streams arrive whole in jumbograms, in fewer datagrams", arguments: UInt64(1)...8)
  func transfers(seed: UInt64) throws {
    func datagrams(_ count: Int) -> Int {
      var configuration = RxEndpointConfiguration()
      configuration.jumboTransmitMax = count
      configuration.jumboReceiveMax = count
      var conditions = NetworkConditions(delay: .milliseconds(2))
      conditions.lostPerMille = Int(seed % 4) * 10
      conditions.duplicatedPerMille = 20
      let simulation = TransferSimulation(
        conditions: conditions,
        jobs: (0..<4).map { TransferCaller.Job(id: $0, requestCount: 300_001, replyCount: 500_003) }, parallel: 2,
        seed: seed, configuration: configuration)
      #expect(simulation.run(limit: .seconds(600)))
      #expect(simulation.caller.problems == [])
      #expect(simulation.transferService.problems == [])
      #expect(simulation.caller.completedJobs == 4)
      simulation.expectNothingLeft()
      return simulation.network.datagramsSent
    }
    let (alone, together) = (datagrams(1), datagrams(4))
    if seed % 4 == 0 { #expect(together < alone * 3 / 4) }
  }

  @Test("Where datagrams of that length vanish, streams arrive all the same")
  func blackHole() {
    var configuration = RxEndpointConfiguration()
    configuration.jumboTransmitMax = 8
    configuration.jumboReceiveMax = 8
    var conditions = NetworkConditions(delay: .milliseconds(2))
    conditions.datagramByteCountMax = 1472
    conditions.fragmentsPass = false
    let simulation = TransferSimulation(
      conditions: conditions, jobs: [TransferCaller.Job(id: 1, requestCount: 200_000, replyCount: 300_000)],
      parallel: 1,
      seed: 3, configuration: configuration)
    #expect(simulation.run(limit: .seconds(60)))
    #expect(simulation.caller.problems == [])
    #expect(simulation.caller.completedJobs == 1)
  }
}
