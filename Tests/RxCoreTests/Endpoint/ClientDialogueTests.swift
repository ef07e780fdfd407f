import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// What a client's call sends for what it receives (FACTS sections 6 to 8: traces of stock fileservers).
@Suite struct ClientDialogueTests {
  @Test("An RPC is three packets: request, reply, final ack with reason DELAY")
  func rpc() throws {
    let dialogue = PacketDialogue.calling(requestCount: 16)
    let request = dialogue.sent()
    #expect(request.count == 1)
    #expect(request[0].type == .data)
    #expect(request[0].header.flags == [.clientInitiated, .lastPacket])
    #expect(request[0].header.seq == Seq(1))
    #expect(request[0].header.callNumber == CallNumber(1))
    #expect(request[0].header.epoch & 0xC000_0000 == 0x8000_0000)
    #expect(request[0].body.count == 16)
    dialogue.wait(until: 1)
    dialogue.peerSendsData(seq: 1, flags: .lastPacket, count: 120)
    #expect(dialogue.sent().isEmpty)
    dialogue.wait(until: 20)
    let final = dialogue.sent()
    #expect(final.map(\.ack) == [SentPacket.Ack(reason: .delay, first: 2)])
    #expect(final[0].header.flags == [.clientInitiated, .slowStartOK])
    #expect(dialogue.takeEvents() == [.readable(dialogue.call!), .completed(dialogue.call!, .success)])
    let (count, isAtEnd) = dialogue.read()
    #expect(count == 120)
    #expect(isAtEnd)
  }

  @Test("The next call on a channel acknowledges the former one's reply; without one an ack follows")
  func finalAcks() {
    let dialogue = PacketDialogue.calling()
    for number in 1...4 {
      #expect(dialogue.sent().map(\.type) == [.data])
      dialogue.peerSendsData(seq: 1, flags: .lastPacket)
      #expect(dialogue.sent().isEmpty, "call \(number)")
      dialogue.endpoint.release(dialogue.call!, now: dialogue.now)
      dialogue.open()
      _ = dialogue.write(16, isLast: true)
    }
    // The fifth call takes the first one's channel.
    let fifth = dialogue.sent()
    #expect(fifth.map(\.type) == [.data])
    #expect(fifth.first?.header.callNumber == CallNumber(2))
    dialogue.wait(until: 20)
    #expect(dialogue.sent().map(\.header.channel) == [1, 2, 3])
    dialogue.wait(until: 100)
    #expect(dialogue.sent().isEmpty)
  }

  @Test("A reply in one packet which asks for its ack, or follows a ping, gets it at once")
  func urgentFinalAcks() {
    for isPinged in [true, false] {
      let dialogue = PacketDialogue.calling()
      _ = dialogue.sent()
      if isPinged { dialogue.peerSendsAck(.ping, first: 1, flags: .requestAck) }
      dialogue.peerSendsData(seq: 1, flags: isPinged ? .lastPacket : [.lastPacket, .requestAck])
      #expect(dialogue.sent().map(\.ack?.reason) == [isPinged ? .pingResponse : .requested])
    }
  }

  @Test("What is owed is sent before the port closes")
  func finalAckAtTheEnd() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    dialogue.endpoint.shutDown(now: dialogue.now)
    #expect(dialogue.sent().map(\.ack) == [SentPacket.Ack(reason: .delay, first: 2)])
  }

  @Test("While a call waits, the server's first-contact ping is answered at once")
  func firstContact() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    dialogue.peerSendsAck(.ping, first: 1, soft: "A", window: 16, flags: .requestAck)
    let answer = dialogue.sent()
    #expect(answer.map(\.ack) == [SentPacket.Ack(reason: .pingResponse, first: 1)])
    #expect(answer.first?.ackSerial == 1)
    #expect(dialogue.takeEvents() == [])
  }

  @Test("A ping for the latest call is answered when the connection is idle")
  func idlePing() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    _ = dialogue.sent()
    dialogue.endpoint.release(dialogue.call!, now: dialogue.now)
    dialogue.peerSendsAck(.ping, first: 2, flags: .requestAck)
    #expect(dialogue.sent().map(\.ack) == [SentPacket.Ack(reason: .pingResponse, first: 2)])
  }

  @Test("A gap is answered with OUT_OF_SEQUENCE at once")
  func gap() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    dialogue.peerSendsData(seq: 1)
    #expect(dialogue.sent().isEmpty)
    dialogue.peerSendsData(seq: 3)
    #expect(dialogue.sent().map(\.ack) == [SentPacket.Ack(reason: .outOfSequence, first: 2, soft: "-A")])
  }

  @Test("A packet received twice is answered with DUPLICATE at once")
  func duplicate() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    dialogue.peerSendsData(seq: 1)
    let serial = dialogue.peerSendsData(seq: 1)
    let answer = dialogue.sent()
    #expect(answer.map(\.ack) == [SentPacket.Ack(reason: .duplicate, first: 2)])
    #expect(answer[0].ackSerial == serial.rawValue)
  }

  @Test("DATA beyond the receive window is answered with EXCEEDS_WINDOW")
  func exceedsWindow() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    dialogue.peerSendsData(seq: 1025)
    #expect(dialogue.sent().map(\.ack) == [SentPacket.Ack(reason: .exceedsWindow, first: 1)])
  }

  @Test("REQUEST_ACK is answered at once, naming the packet")
  func requested() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    let serial = dialogue.peerSendsData(seq: 1, flags: .requestAck)
    let answer = dialogue.sent()
    #expect(answer.map(\.ack) == [SentPacket.Ack(reason: .requested, first: 2)])
    #expect(answer[0].ackSerial == serial.rawValue)
    #expect(
      answer[0].trailer == AckTrailer(maxMTU: 1444, interfaceMTU: 1444, receiveWindow: 1023, packetsPerDatagram: 1))
  }

  @Test("Every second packet of a call's first 16 is acknowledged with IDLE, a rest after 100 ms with DELAY")
  func ackRate() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    for pair in UInt32(1)...2 {
      dialogue.peerSendsData(seq: 2 * pair - 1)
      #expect(dialogue.sent().isEmpty)
      dialogue.peerSendsData(seq: 2 * pair)
      #expect(dialogue.sent().map(\.ack) == [SentPacket.Ack(reason: .idle, first: 2 * pair + 1)])
    }
    dialogue.peerSendsData(seq: 5)
    #expect(dialogue.sent().isEmpty)
    dialogue.wait(until: 99)
    #expect(dialogue.sent().isEmpty)
    dialogue.wait(until: 101)
    #expect(dialogue.sent().map(\.ack) == [SentPacket.Ack(reason: .delay, first: 6)])
  }

  @Test("A batch of packets is answered with one ack")
  func batch() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    for seq in UInt32(1)...12 { dialogue.peerSendsData(seq: seq) }
    #expect(dialogue.sent().map(\.ack) == [SentPacket.Ack(reason: .idle, first: 13)])
  }

  @Test("A slow reader's packets are acknowledged softly once a stock peer's window would not fit any more")
  func slowReader() throws {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    for seq in UInt32(1)...1009 { dialogue.peerSendsData(seq: seq) }
    var ack = try #require(dialogue.sent().first)
    #expect(ack.ack == SentPacket.Ack(reason: .idle, first: 993, soft: String(repeating: "A", count: 17)))
    #expect(ack.trailer?.receiveWindow == 32)
    // Reading opens the window, and the peer is told.
    #expect(dialogue.read(100 * 40).count == 4000)
    ack = try #require(dialogue.sent().first)
    #expect(ack.ack == SentPacket.Ack(reason: .delay, first: 1010))
    #expect(ack.trailer?.receiveWindow == 55)
  }

  @Test("A server that repeats its last packet gets the final ack again")
  func repeatedReply() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    _ = dialogue.sent()
    dialogue.peerSendsData(seq: 1, flags: [.lastPacket, .requestAck])
    #expect(dialogue.sent().map(\.ack) == [SentPacket.Ack(reason: .duplicate, first: 2)])
  }

  @Test("An abort ends the call; another is met with silence")
  func aborted() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    dialogue.peerAborts(49_733_392)
    #expect(
      dialogue.takeEvents() == [.completed(dialogue.call!, .failure(.aborted(AbortCode(49_733_392))))])
    dialogue.peerAborts(49_733_392)
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    #expect(dialogue.sent().isEmpty)
    #expect(dialogue.takeEvents() == [])
  }

  @Test("An abort of the connection ends its calls; the next call takes another connection")
  func connectionAborted() {
    let dialogue = PacketDialogue.calling()
    let before = dialogue.sent()[0].header.connectionID
    dialogue.peerAborts(-5, callNumber: 0)
    #expect(dialogue.takeEvents() == [.completed(dialogue.call!, .failure(.aborted(AbortCode(-5))))])
    dialogue.open()
    _ = dialogue.write(1, isLast: true)
    #expect(dialogue.sent()[0].header.connectionID != before)
  }

  @Test("Our abort is sent once, and the call's stragglers are aborted again")
  func aborting() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    dialogue.endpoint.abort(dialogue.call!, AbortCode(-6), now: dialogue.now)
    #expect(dialogue.sent().map(\.abortCode) == [-6])
    #expect(dialogue.takeEvents() == [.completed(dialogue.call!, .failure(.abortedLocally(AbortCode(-6))))])
    dialogue.peerSendsData(seq: 1)
    #expect(dialogue.sent().map(\.abortCode) == [-6])
  }

  @Test("A call given up before its first packet leaves no trace on the wire")
  func abortingUnsent() {
    let dialogue = PacketDialogue.opening()
    dialogue.endpoint.release(dialogue.call!, now: dialogue.now)
    #expect(dialogue.sent().isEmpty)
    #expect(dialogue.takeEvents() == [])
    #expect(dialogue.endpoint.calls.count == 0)
  }

  @Test("A lost request is sent again with REQUEST_ACK, ever more slowly")
  func lostRequest() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    dialogue.wait(until: 699)
    #expect(dialogue.sent().isEmpty)
    dialogue.wait(until: 701)
    let repeated = dialogue.sent()
    #expect(repeated.count == 1)
    #expect(repeated[0].header.flags == [.clientInitiated, .lastPacket, .requestAck])
    #expect(repeated[0].header.serial == Serial(2))
    dialogue.wait(until: 1690)
    #expect(dialogue.sent().isEmpty)
    dialogue.wait(until: 1710)
    #expect(dialogue.sent().count == 1)
  }

  @Test("A peer that never answers is dead after the dead time, and was pinged before")
  func deadPeer() {
    let dialogue = PacketDialogue.calling(options: RxCallOptions(deadTime: .seconds(12)))
    _ = dialogue.sent()
    dialogue.peerSendsAck(.delay, first: 2)
    var pings = 0
    for second in 1...12 {
      dialogue.wait(until: second * 1000)
      pings += dialogue.sent().count { $0.ack?.reason == .ping && $0.header.flags.contains(.requestAck) }
    }
    #expect(pings == 5)
    dialogue.wait(until: 12_100)
    #expect(dialogue.takeEvents() == [.completed(dialogue.call!, .failure(.timedOut(.dead)))])
  }

  @Test("A peer that answers pings without progress is idle")
  func idlePeer() {
    let dialogue = PacketDialogue.calling(options: RxCallOptions(deadTime: .seconds(12), idleTime: .seconds(30)))
    _ = dialogue.sent()
    dialogue.peerSendsAck(.delay, first: 2)
    for half in 1..<60 {
      dialogue.wait(until: half * 500)
      for ping in dialogue.sent() where ping.ack?.reason == .ping {
        dialogue.peerSendsAck(.pingResponse, first: 2, serial: ping.header.serial.rawValue)
      }
    }
    #expect(dialogue.takeEvents() == [])
    dialogue.wait(until: 30_001)
    #expect(dialogue.takeEvents() == [.completed(dialogue.call!, .failure(.timedOut(.idle)))])
    #expect(dialogue.sent().map(\.abortCode) == [-3])
  }

  @Test("A deadline ends the call whatever the peer does")
  func deadline() {
    let dialogue = PacketDialogue.calling(options: RxCallOptions(deadline: .milliseconds(300)))
    _ = dialogue.sent()
    dialogue.peerSendsData(seq: 1)
    dialogue.wait(until: 250)
    _ = dialogue.sent()
    dialogue.wait(until: 301)
    #expect(dialogue.takeEvents().last == .completed(dialogue.call!, .failure(.timedOut(.hard))))
    #expect(dialogue.sent().map(\.abortCode) == [-3])
  }

  @Test("An ICMP error ends the calls of that peer, and only of that peer")
  func networkError() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    dialogue.endpoint.receivedNetworkError(111, from: RxAddress(ipv4: 0x0A00_0003, port: 7000), now: dialogue.now)
    dialogue.endpoint.receivedNetworkError(90, from: PacketDialogue.peerAddress, now: dialogue.now)
    #expect(dialogue.takeEvents() == [])
    dialogue.endpoint.receivedNetworkError(111, from: PacketDialogue.peerAddress, now: dialogue.now)
    #expect(dialogue.takeEvents() == [.completed(dialogue.call!, .failure(.unreachable(111)))])
  }

  @Test("Four calls share a connection on four channels, the fifth opens another")
  func channels() {
    var configuration = RxEndpointConfiguration()
    configuration.greetingCallsMax = 100
    let dialogue = PacketDialogue.opening(configuration: configuration)
    var headers: [RxHeader] = []
    for _ in 0..<5 {
      _ = dialogue.write(1, isLast: true)
      headers += dialogue.sent().map(\.header)
      dialogue.open()
    }
    #expect(headers.map(\.channel) == [0, 1, 2, 3, 0])
    #expect(Set(headers.prefix(4).map(\.connectionID)).count == 1)
    #expect(headers[4].connectionID != headers[0].connectionID)
    #expect(headers.allSatisfy { $0.callNumber == CallNumber(1) })
  }

  @Test("The next call on a connection takes the channel that has rested longest")
  func channelRotation() {
    let dialogue = PacketDialogue.opening()
    var numbers: [[UInt32]] = []
    for step in 1...5 {
      _ = dialogue.write(1, isLast: true)
      let header = dialogue.sent()[0].header
      numbers.append([UInt32(header.channel), header.callNumber.rawValue])
      dialogue.wait(until: step)
      dialogue.peerSendsData(seq: 1, flags: .lastPacket)
      _ = dialogue.sent()
      dialogue.endpoint.release(dialogue.call!, now: dialogue.now)
      dialogue.open()
    }
    #expect(numbers == [[0, 1], [1, 1], [2, 1], [3, 1], [0, 2]])
  }

  @Test("An idle connection is forgotten after its time")
  func idleConnection() {
    var configuration = RxEndpointConfiguration()
    configuration.peerIdleTime = .zero
    let dialogue = PacketDialogue.calling(configuration: configuration)
    _ = dialogue.sent()
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    _ = dialogue.sent()
    dialogue.endpoint.release(dialogue.call!, now: dialogue.now)
    dialogue.wait(until: 599_000)
    #expect(dialogue.endpoint.connections.count == 1)
    dialogue.wait(until: 600_001)
    #expect(dialogue.endpoint.connections.count == 0)
    #expect(dialogue.endpoint.nextTimeout == nil)
  }

  @Test("Shutting down ends every call and tells the servers")
  func shutDown() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    let sending = dialogue.call!
    dialogue.open()
    _ = dialogue.write(4000, isLast: false)
    _ = dialogue.sent()
    dialogue.endpoint.shutDown(now: dialogue.now)
    #expect(
      Set(dialogue.takeEvents()) == [
        .completed(sending, .failure(.shutDown)), .completed(dialogue.call!, .failure(.shutDown)),
      ])
    #expect(dialogue.sent().map(\.abortCode) == [-6, -6])
    dialogue.call = dialogue.endpoint.openCall(
      to: RxTarget(peer: PacketDialogue.peerAddress, service: PacketDialogue.service), options: RxCallOptions(),
      now: dialogue.now)
    #expect(dialogue.takeEvents() == [.completed(dialogue.call!, .failure(.shutDown))])
  }

  @Test("A server that was started anew and answers a ping without knowing the call ends it")
  func restartedServer() {
    let dialogue = PacketDialogue.calling(requestCount: 14_000, options: RxCallOptions(deadTime: .seconds(12)))
    _ = dialogue.sent()
    dialogue.peerSendsAck(.requested, first: 6, serial: 5)
    let ping = dialogue.sent(until: 2050).last { $0.ack?.reason == .ping }
    #expect(ping != nil)
    dialogue.peerSendsAck(.pingResponse, first: 1, serial: ping?.header.serial.rawValue ?? 0)
    #expect(dialogue.takeEvents() == [.completed(dialogue.call!, .failure(.timedOut(.dead)))])
  }

  @Test(
    "A server whose serials jump has forgotten the connection: no matter before it has promised something, the end after",
    arguments: [UInt32(900_000_000), 1000])
  func jumpingSerials(serial: UInt32) {
    let dialogue = PacketDialogue.calling(requestCount: 14_000)
    _ = dialogue.sent()
    dialogue.peerSerial = 400_000_000
    dialogue.peerSendsAck(.ping, first: 1, flags: .requestAck)
    #expect(dialogue.sent().map { $0.ack?.reason } == [.pingResponse])
    dialogue.peerSerial = serial
    dialogue.peerSendsAck(.requested, first: 1, soft: "AAAAA-AAAA", serial: 10)
    #expect(TransmitDialogueTests.seqs(dialogue.sent(until: 1000)).contains(6))
    #expect(dialogue.takeEvents().isEmpty)
    dialogue.peerSerial = 400_000_000
    dialogue.peerSendsAck(.requested, first: 11, serial: 11)
    #expect(dialogue.takeEvents() == [.completed(dialogue.call!, .failure(.timedOut(.dead)))])
  }

  @Test("Nor is a reply mixed with what another process sends")
  func jumpInReply() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    dialogue.peerSerial = 1000
    dialogue.peerSendsData(seq: 1)
    _ = dialogue.takeEvents()
    dialogue.peerSerial = 900_000_000
    dialogue.peerSendsData(seq: 2, flags: .lastPacket)
    #expect(dialogue.takeEvents() == [.completed(dialogue.call!, .failure(.timedOut(.dead)))])
  }

  @Test("Acks that go back are no sign of life")
  func zombieServer() {
    let dialogue = PacketDialogue.calling(requestCount: 14_000, options: RxCallOptions(deadTime: .seconds(12)))
    _ = dialogue.sent()
    dialogue.peerSendsAck(.requested, first: 6, serial: 5)
    for second in 1...13 {
      _ = dialogue.sent(until: second * 1000)
      dialogue.peerSendsAck(.outOfSequence, first: 1, soft: "-----A")
    }
    #expect(dialogue.takeEvents() == [.completed(dialogue.call!, .failure(.timedOut(.dead)))])
  }
}
