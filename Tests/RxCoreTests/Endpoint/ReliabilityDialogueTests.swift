import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// Windows wider than an ack can describe, soft acks that are taken back, delays of acks, and pings to idle servers.
@Suite struct ReliabilityDialogueTests {
  /// A stream of which more than 300 packets are under way to a peer that takes 1024.
  /// - Returns: the dialogue and the first packet under way.
  static func wideFlight() -> (dialogue: PacketDialogue, first: UInt32) {
    let dialogue = PacketDialogue.opening()
    _ = dialogue.write(1416 * 1000, isLast: false)
    var first: UInt32 = 1
    for step in 1...8 {
      let flight = TransmitDialogueTests.seqs(dialogue.sent())
      if flight.count > 300 { return (dialogue, first) }
      dialogue.wait(until: step)
      first = flight.last! + 1
      dialogue.peerSendsAck(.requested, first: first, serial: flight.last!, window: 1024)
    }
    preconditionFailure("the window does not grow")
  }

  private func state(_ dialogue: PacketDialogue, _ seq: UInt32) -> TransmitSlot.State {
    let index = dialogue.endpoint.calls.index(of: dialogue.call!.rawValue)!
    return dialogue.endpoint.calls[index].transmit.slots[Seq(seq)].state
  }

  @Test("A window beyond what an ack can describe is used; packets beyond a full list stay under way")
  func beyondTheList() {
    let (dialogue, first) = Self.wideFlight()
    dialogue.peerSendsAck(.idle, first: first, soft: String(repeating: "A", count: 255), window: 1024)
    #expect(state(dialogue, first + 254) == .acknowledged)
    #expect(state(dialogue, first + 255) == .inFlight)
    #expect(state(dialogue, first + 300) == .inFlight)
  }

  @Test("Soft acks beyond the end of a newer, shorter list are taken back")
  func shorterList() {
    let (dialogue, first) = Self.wideFlight()
    dialogue.peerSendsAck(.idle, first: first, soft: String(repeating: "A", count: 255), window: 1024)
    dialogue.peerSendsAck(.idle, first: first, soft: String(repeating: "A", count: 10), window: 1024)
    #expect(state(dialogue, first + 9) == .acknowledged)
    #expect(state(dialogue, first + 10) == .lost)
    #expect(state(dialogue, first + 254) == .lost)
    #expect(TransmitDialogueTests.seqs(dialogue.sent()).first == first + 10)
  }

  @Test("A shorter list in an overtaken ack takes nothing back")
  func overtakenList() {
    let (dialogue, first) = Self.wideFlight()
    var late = dialogue.peerHeader(.ack)
    dialogue.peerSendsAck(.idle, first: first, soft: String(repeating: "A", count: 20), window: 1024)
    late.seq = Seq(0)
    var body = [UInt8](repeating: 0, count: OutgoingAck.byteCount(softAckCount: 0))
    body.withUnsafeMutableBytes {
      OutgoingAck(
        firstPacket: Seq(first), previousPacket: Seq(first), serial: .none, reason: .idle,
        trailer: AckTrailer(maxMTU: 1444, interfaceMTU: 1444, receiveWindow: 1024, packetsPerDatagram: 1)
      ).write(to: $0.baseAddress!, softAckCount: 0)
    }
    dialogue.peerSends(late, body)
    #expect(state(dialogue, first + 19) == .acknowledged)
  }

  @Test("A peer that acknowledged everything softly only is asked after 2 s, and gets again what its successor lacks")
  func softCheck() {
    let dialogue = PacketDialogue.opening()
    _ = dialogue.write(1416 * 2, isLast: false)
    dialogue.endpoint.flush(dialogue.call!, now: dialogue.now)
    _ = dialogue.sent()
    dialogue.wait(until: 1)
    dialogue.peerSendsAck(.requested, first: 1, soft: "AA", serial: 2)
    #expect(dialogue.sent(until: 1900).isEmpty)
    let ping = dialogue.sent(until: 2100)
    #expect(ping.map { $0.ack?.reason } == [.ping])
    // It was started anew: its serials may be anything, but it answers our ping.
    dialogue.peerSendsAck(.pingResponse, first: 1, soft: "", serial: ping.first?.header.serial.rawValue ?? 0)
    #expect(TransmitDialogueTests.seqs(dialogue.sent(until: 2200)) == [1, 2])
  }

  @Test("An ack that was asked for may be made to wait")
  func requestedAckDelay() {
    var configuration = RxEndpointConfiguration()
    configuration.requestedAckDelay = .milliseconds(5)
    let dialogue = PacketDialogue.calling(configuration: configuration)
    _ = dialogue.sent()
    let serial = dialogue.peerSendsData(seq: 1, flags: .requestAck)
    dialogue.wait(until: 4)
    #expect(dialogue.sent().isEmpty)
    dialogue.wait(until: 6)
    let answer = dialogue.sent()
    #expect(answer.map(\.ack) == [SentPacket.Ack(reason: .requested, first: 2)])
    #expect(answer.first?.ackSerial == serial.rawValue)
  }

  @Test("An idle server is sent a version packet that asks nothing every 20 s, as long as there is a connection")
  func natPings() {
    var configuration = RxEndpointConfiguration()
    configuration.natPingInterval = .seconds(20)
    configuration.connectionIdleTime = .seconds(70)
    configuration.peerIdleTime = .zero
    let dialogue = PacketDialogue.calling(configuration: configuration)
    _ = dialogue.sent()
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    _ = dialogue.read()
    _ = dialogue.sent(until: 100)
    dialogue.endpoint.release(dialogue.call!, now: dialogue.now)
    #expect(dialogue.sent(until: 19_000).isEmpty)
    let pings = dialogue.sent(until: 200_000)
    #expect(pings.count == 3)
    #expect(pings.allSatisfy { $0.type == .version && $0.header.epoch == 999 && $0.header.flags == .lastPacket })
    #expect(pings.allSatisfy { $0.body == [0] && $0.destination == PacketDialogue.peerAddress })
    #expect(dialogue.endpoint.nextTimeout == nil)
  }
}
