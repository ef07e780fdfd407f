import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// How a long stream is sent: windows, losses, acks asked for.
@Suite struct TransmitDialogueTests {
  /// A call with far more to send than fits into any window.
  static func streaming() -> PacketDialogue {
    let dialogue = PacketDialogue.opening()
    _ = dialogue.write(1416 * 200, isLast: false)
    return dialogue
  }

  static func seqs(_ packets: [SentPacket]) -> [UInt32] {
    packets.filter { $0.type == .data }.map(\.header.seq.rawValue)
  }

  @Test(
    "The first flight is ten packets of 1416 bytes; all but the last say that more follow, the last asks for an ack")
  func firstFlight() {
    let flight = Self.streaming().sent()
    #expect(Self.seqs(flight) == Array(1...10))
    #expect(flight.allSatisfy { $0.body.count == 1416 })
    #expect(flight.dropLast().allSatisfy { $0.header.flags == [.clientInitiated, .morePackets] })
    #expect(flight.last?.header.flags == [.clientInitiated, .requestAck])
    #expect(flight.map(\.header.serial) == (1...10).map { Serial(UInt32($0)) })
  }

  @Test("A stock peer's window of 32 packets is never exceeded")
  func peerWindow() {
    let dialogue = Self.streaming()
    var highest: UInt32 = 0
    var acknowledged: UInt32 = 0
    for step in 1...12 {
      let flight = Self.seqs(dialogue.sent())
      highest = max(highest, flight.last ?? 0)
      #expect(highest <= acknowledged + 32)
      dialogue.wait(until: step)
      acknowledged = highest
      dialogue.peerSendsAck(.requested, first: highest + 1, serial: highest, window: 32)
    }
    #expect(highest > 150)
  }

  @Test("The window grows by what was acknowledged, whether acks come one by one or in a bunch")
  func bunchesOfAcks() {
    let dialogue = Self.streaming()
    _ = dialogue.sent()
    dialogue.wait(until: 1)
    for last: UInt32 in [2, 4, 6, 8, 10] {
      dialogue.peerSendsAck(.requested, first: last + 1, serial: last, window: 255)
    }
    #expect(Self.seqs(dialogue.sent()) == Array(11...30))
  }

  @Test("Small calls to a peer do not slow the stream that follows them")
  func streamAfterSmallCalls() {
    let dialogue = PacketDialogue.calling(requestCount: 100)
    _ = dialogue.sent()
    dialogue.wait(until: 1)
    _ = dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    _ = dialogue.read()
    dialogue.open()
    _ = dialogue.write(1416 * 200, isLast: false)
    #expect(Self.seqs(dialogue.sent()).count == 10)
    dialogue.wait(until: 2)
    dialogue.peerSendsAck(.requested, first: 11, serial: 0, window: 255)
    #expect(Self.seqs(dialogue.sent()) == Array(11...30))
  }

  @Test("Soft acks do not move a peer's window, hard ones do")
  func softAcks() {
    let dialogue = Self.streaming()
    _ = dialogue.sent()
    dialogue.wait(until: 1)
    dialogue.peerSendsAck(.requested, first: 1, soft: String(repeating: "A", count: 10), serial: 10, window: 16)
    #expect(Self.seqs(dialogue.sent()) == Array(11...16))
    dialogue.peerSendsAck(.requested, first: 1, soft: String(repeating: "A", count: 16), serial: 16, window: 16)
    #expect(dialogue.sent().isEmpty)
    dialogue.peerSendsAck(.delay, first: 5, soft: String(repeating: "A", count: 12), window: 16)
    #expect(Self.seqs(dialogue.sent()) == Array(17...20))
  }

  @Test("A sender whose window the peer closed asks again when the opening got lost")
  func windowProbe() {
    let dialogue = Self.streaming()
    _ = dialogue.sent()
    dialogue.wait(until: 1)
    dialogue.peerSendsAck(.requested, first: 1, soft: String(repeating: "A", count: 10), serial: 10, window: 10)
    #expect(dialogue.sent().isEmpty)
    dialogue.wait(until: 500)
    #expect(dialogue.sent().map { $0.ack?.reason } == [.ping])
  }

  @Test("A packet with three successors received is sent again at once, asking for an ack")
  func fastRetransmit() throws {
    let dialogue = Self.streaming()
    _ = dialogue.sent()
    dialogue.wait(until: 10)
    dialogue.peerSendsAck(.outOfSequence, first: 1, soft: "-AAA", serial: 4)
    let repeated = dialogue.sent()
    try #require(Self.seqs(repeated).first == 1)
    #expect(repeated[0].header.flags.contains(.requestAck))
    #expect(repeated[0].header.serial == Serial(11))
  }

  @Test("A packet with two successors received is sent again only after a while")
  func reordering() {
    let dialogue = Self.streaming()
    _ = dialogue.sent()
    dialogue.wait(until: 10)
    dialogue.peerSendsAck(.outOfSequence, first: 1, soft: "-AA", serial: 3)
    #expect(!Self.seqs(dialogue.sent()).contains(1))
    dialogue.wait(until: 13)
    #expect(Self.seqs(dialogue.sent()).contains(1))
  }

  @Test("A peer that drops what it had acknowledged softly gets it again")
  func renegedSoftAck() {
    let dialogue = Self.streaming()
    _ = dialogue.sent()
    dialogue.wait(until: 10)
    dialogue.peerSendsAck(.idle, first: 1, soft: "AAAA", serial: 4)
    _ = dialogue.sent()
    dialogue.peerSendsAck(.outOfSequence, first: 1, soft: "A-AA", serial: 5)
    #expect(Self.seqs(dialogue.sent()).first == 2)
  }

  @Test("Acks of packets never sent, and acks that go back, are ignored", arguments: [UInt32(12), 100, 0xFFFF_FFF0])
  func impossibleAcks(first: UInt32) {
    let dialogue = Self.streaming()
    _ = dialogue.sent()
    dialogue.peerSendsAck(.delay, first: first, window: 200)
    #expect(dialogue.sent().isEmpty)
    let index = dialogue.endpoint.calls.index(of: dialogue.call!.rawValue)!
    #expect(dialogue.endpoint.calls[index].transmit.base == .first)
    #expect(dialogue.endpoint.calls[index].transmit.inFlight == 10)
  }

  @Test("The queue is bounded; when a quarter is free the driver hears of it")
  func backPressure() {
    let dialogue = PacketDialogue.opening()
    let taken = dialogue.write(1416 * 2000, isLast: true)
    #expect(taken == 1416 * 1025)
    #expect(dialogue.write(1, isLast: true) == 0)
    var highest: UInt32 = 0
    var offered: UInt32?
    for step in 1...40 {
      highest = max(highest, Self.seqs(dialogue.sent()).last ?? 0)
      dialogue.wait(until: step)
      dialogue.peerSendsAck(.requested, first: highest + 1, serial: highest, window: 32)
      if !dialogue.takeEvents().isEmpty {
        offered = highest
        break
      }
    }
    #expect(offered.map { $0 >= 255 && $0 < 255 + 32 } == true)
  }

  @Test("When the reply begins, what is left of the request is dropped")
  func earlyReply() {
    let dialogue = Self.streaming()
    _ = dialogue.sent()
    dialogue.peerSendsData(seq: 1)
    #expect(Self.seqs(dialogue.sent()).isEmpty)
    #expect(dialogue.write(5000, isLast: true) == 5000)
    #expect(Self.seqs(dialogue.sent()).isEmpty)
    dialogue.peerSendsData(seq: 2, flags: .lastPacket)
    #expect(dialogue.takeEvents().last == .completed(dialogue.call!, .success))
  }

  @Test("ACKALL acknowledges everything sent")
  func ackAll() {
    let dialogue = Self.streaming()
    _ = dialogue.sent()
    dialogue.peerSends(dialogue.peerHeader(.ackAll), [])
    #expect(Self.seqs(dialogue.sent()).first == 11)
  }

  @Test("A smaller packet size asked for by the peer is kept to from the next packet on")
  func smallerPackets() {
    let dialogue = PacketDialogue.opening()
    _ = dialogue.write(1416 * 2 + 1, isLast: false)
    _ = dialogue.sent()
    var body = [UInt8](repeating: 0, count: OutgoingAck.byteCount(softAckCount: 0))
    body.withUnsafeMutableBytes {
      OutgoingAck(
        firstPacket: Seq(3), previousPacket: Seq(2), serial: .none, reason: .delay,
        trailer: AckTrailer(maxMTU: 1028, interfaceMTU: 1028, receiveWindow: 32, packetsPerDatagram: 1)
      ).write(to: $0.baseAddress!, softAckCount: 0)
    }
    dialogue.peerSends(dialogue.peerHeader(.ack), body)
    _ = dialogue.write(5000, isLast: true)
    #expect(dialogue.sent().map(\.body.count) == [1000, 1000, 1000, 1000, 1000, 1])
  }

  @Test("An empty last write makes an empty last packet")
  func emptyLast() {
    let dialogue = PacketDialogue.opening()
    _ = dialogue.write(0, isLast: true)
    let packets = dialogue.sent()
    #expect(packets.map(\.body.count) == [0])
    #expect(packets[0].header.flags.contains(.lastPacket))
  }

  @Test("A last write that follows whole packets marks the last of them, without an empty one")
  func lastAfterWhole() {
    let dialogue = PacketDialogue.opening()
    _ = dialogue.write(1416 * 2, isLast: false)
    _ = dialogue.write(0, isLast: true)
    let packets = dialogue.sent()
    #expect(packets.map(\.body.count) == [1416, 1416])
    #expect(packets.map { $0.header.flags.contains(.lastPacket) } == [false, true])
  }
}
