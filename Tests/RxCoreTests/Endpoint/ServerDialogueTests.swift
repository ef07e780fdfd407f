import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// What a service's side sends for what it receives.
@Suite struct ServerDialogueTests {
  /// A call with a request of one packet, taken up by the driver.
  static func served(configuration: RxEndpointConfiguration = RxEndpointConfiguration()) -> PacketDialogue {
    let dialogue = PacketDialogue.serving(configuration: configuration)
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    dialogue.collectEvents()
    _ = dialogue.read()
    return dialogue
  }

  @Test("A call is announced with its first packet, and its reply ends with the client's final ack")
  func call() throws {
    let dialogue = PacketDialogue.serving()
    dialogue.peerSendsData(seq: 1, flags: .lastPacket, count: 20)
    let events = dialogue.takeEvents()
    let call = try #require(dialogue.call)
    #expect(
      events == [
        .incoming(
          call,
          RxIncomingCall(
            peer: PacketDialogue.peerAddress, service: PacketDialogue.service, epoch: 0x8000_0001, cid: 0x1234_5670,
            securityIndex: 0)),
        .readable(call),
      ])
    let (count, isAtEnd) = dialogue.read()
    #expect(count == 20)
    #expect(isAtEnd)
    _ = dialogue.write(30, isLast: true)
    let reply = dialogue.sent()
    #expect(reply.count == 1)
    #expect(reply[0].header.flags == .lastPacket)
    #expect(reply[0].header.cid == 0x1234_5670)
    #expect(dialogue.takeEvents() == [])
    dialogue.peerSendsAck(.delay, first: 2)
    #expect(dialogue.takeEvents() == [.completed(call, .success)])
    #expect(dialogue.sent().isEmpty)
  }

  @Test("A request which takes long is acknowledged after 100 ms")
  func slowService() {
    let dialogue = Self.served()
    #expect(dialogue.sent().isEmpty)
    dialogue.wait(until: 101)
    #expect(dialogue.sent().map(\.ack) == [SentPacket.Ack(reason: .delay, first: 2)])
  }

  @Test("The reply spares the request's ack")
  func replyAcknowledges() {
    let dialogue = Self.served()
    _ = dialogue.write(1, isLast: false)
    dialogue.endpoint.flush(dialogue.call!, now: dialogue.now)
    #expect(dialogue.sent().map(\.type) == [.data])
    dialogue.wait(until: 150)
    #expect(dialogue.sent().isEmpty)
  }

  @Test("A reply that is not acknowledged is kept and sent again")
  func repeatedReply() {
    let dialogue = Self.served()
    _ = dialogue.write(10, isLast: true)
    _ = dialogue.sent()
    dialogue.wait(until: 1001)
    let repeated = dialogue.sent()
    #expect(repeated.map(\.header.seq) == [Seq(1)])
    #expect(repeated[0].header.flags == [.lastPacket, .requestAck])
  }

  @Test("The next call on the channel acknowledges the former's reply")
  func nextCall() {
    let dialogue = Self.served()
    _ = dialogue.write(10, isLast: true)
    _ = dialogue.sent()
    let former = dialogue.call!
    _ = dialogue.takeEvents()
    dialogue.callNumber = 2
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    let events = dialogue.takeEvents()
    #expect(events.first == .completed(former, .success))
    #expect(dialogue.call != former)
    #expect(events.last == .readable(dialogue.call!))
  }

  @Test("A new call while the service still works on the former ends the former")
  func givenUp() {
    let dialogue = Self.served()
    let former = dialogue.call!
    _ = dialogue.takeEvents()
    dialogue.callNumber = 2
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    #expect(dialogue.takeEvents().first == .completed(former, .failure(.aborted(.rxCallDead))))
  }

  @Test("Packets of calls before the latest are dropped")
  func oldCall() {
    let dialogue = PacketDialogue.serving()
    dialogue.callNumber = 5
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    _ = dialogue.sent()
    _ = dialogue.takeEvents()
    dialogue.callNumber = 4
    dialogue.peerSendsData(seq: 1, flags: [.lastPacket, .requestAck])
    dialogue.peerSendsAck(.ping, first: 1, flags: .requestAck)
    #expect(dialogue.sent().isEmpty)
    #expect(dialogue.takeEvents() == [])
  }

  @Test("A request repeated after the call's end is acknowledged as a duplicate, and not served again")
  func repeatedRequest() {
    let dialogue = Self.served()
    _ = dialogue.write(10, isLast: true)
    _ = dialogue.sent()
    dialogue.peerSendsAck(.delay, first: 2)
    dialogue.endpoint.release(dialogue.call!, now: dialogue.now)
    _ = dialogue.takeEvents()
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    #expect(dialogue.sent().map(\.ack) == [SentPacket.Ack(reason: .duplicate, first: 2)])
    #expect(dialogue.takeEvents() == [])
  }

  @Test("Calls to a service we do not have are refused with RX_INVALID_OPERATION")
  func unknownService() {
    let dialogue = PacketDialogue.serving()
    var header = dialogue.peerHeader(.data, seq: 1, flags: .lastPacket)
    header.serviceID = 99
    dialogue.peerSends(header, [0, 0, 0, 1])
    let answer = dialogue.sent()
    #expect(answer.map(\.abortCode) == [-2])
    #expect(answer[0].header.callNumber == CallNumber(1))
    #expect(answer[0].header.serviceID == 99)
    #expect(dialogue.endpoint.connections.count == 0)
  }

  @Test("No answer is longer than the question of a stranger")
  func noAmplification() {
    let dialogue = PacketDialogue.serving(trustsAddresses: false)
    var header = dialogue.peerHeader(.data, seq: 1, flags: .lastPacket)
    header.serviceID = 99
    dialogue.peerSends(header, [])
    #expect(dialogue.sent().isEmpty)
  }

  @Test("A security index that the service does not know is refused")
  func unknownSecurity() {
    let dialogue = PacketDialogue.serving()
    var header = dialogue.peerHeader(.data, seq: 1, flags: .lastPacket)
    header.securityIndex = 2
    dialogue.peerSends(header, [0, 0, 0, 1])
    #expect(dialogue.sent().map(\.abortCode) == [-2])
  }

  @Test(
    "Acks, aborts and late packets of connections from before our start are met with silence",
    arguments: [PacketType.ack, .abort, .ackAll, .busy, .challenge, .response])
  func beforeOurTime(type: PacketType) {
    let dialogue = PacketDialogue.serving()
    dialogue.peerSends(dialogue.peerHeader(type, flags: .requestAck), [UInt8](repeating: 0, count: 40))
    dialogue.peerSendsData(seq: 5000)
    #expect(dialogue.sent().isEmpty)
    #expect(dialogue.takeEvents() == [])
    #expect(dialogue.endpoint.connections.count == 0)
  }

  @Test("When too many calls wait for the driver, BUSY is the answer; taking one up makes room")
  func busy() {
    var configuration = RxEndpointConfiguration()
    configuration.acceptQueueDepth = 2
    let dialogue = PacketDialogue.serving(configuration: configuration)
    var calls: [RxCallHandle] = []
    for channel in UInt32(0)...2 {
      dialogue.cid = 0x1234_5670 | channel
      dialogue.peerSendsData(seq: 1, flags: .lastPacket)
      _ = dialogue.takeEvents()
      if let call = dialogue.call { calls.append(call) }
    }
    let answer = dialogue.sent()
    #expect(answer.map(\.type) == [.busy])
    #expect(answer[0].header.callNumber == CallNumber(1))
    #expect(answer[0].header.channel == 2)
    dialogue.call = calls[0]
    _ = dialogue.read()
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    #expect(dialogue.takeEvents().count == 2)
  }

  @Test("A client that shows no sign of life is given up, after pings")
  func deadClient() {
    let dialogue = Self.served()
    _ = dialogue.takeEvents()
    var pings = 0
    for second in 1...50 {
      dialogue.wait(until: second * 1000)
      pings += dialogue.sent().count { $0.ack?.reason == .ping }
    }
    #expect((20...22).contains(pings))
    dialogue.wait(until: 50_100)
    #expect(dialogue.takeEvents() == [.completed(dialogue.call!, .failure(.timedOut(.dead)))])
  }

  @Test("A handler that lets go without a reply aborts the call")
  func lettingGo() {
    let dialogue = Self.served()
    dialogue.endpoint.release(dialogue.call!, now: dialogue.now)
    #expect(dialogue.sent().map(\.abortCode) == [-6])
    #expect(dialogue.endpoint.calls.count == 0)
  }

  @Test("A handler may let go once the reply is written: it is delivered")
  func lettingGoAfterReply() {
    let dialogue = Self.served()
    _ = dialogue.write(10, isLast: true)
    dialogue.endpoint.release(dialogue.call!, now: dialogue.now)
    #expect(dialogue.sent().map(\.type) == [.data])
    #expect(dialogue.endpoint.calls.count == 1)
    dialogue.peerSendsAck(.delay, first: 2)
    #expect(dialogue.endpoint.calls.count == 0)
  }

  @Test("The table of clients' connections is bounded: the longest idle goes")
  func connectionBound() {
    var configuration = RxEndpointConfiguration()
    configuration.serverConnectionsMax = 3
    let dialogue = PacketDialogue.serving(configuration: configuration)
    for number in UInt32(1)...5 {
      dialogue.cid = number << 4
      dialogue.peerSendsData(seq: 1, flags: .lastPacket)
      dialogue.collectEvents()
      if number > 1 {
        dialogue.endpoint.abort(dialogue.call!, AbortCode(1), now: dialogue.now)
        dialogue.endpoint.release(dialogue.call!, now: dialogue.now)
      }
    }
    #expect(dialogue.endpoint.serverConnections.count == 3)
    // The first has a call under way and stays.
    dialogue.cid = 1 << 4
    dialogue.peerSendsAck(.ping, first: 1, flags: .requestAck)
    #expect(dialogue.sent().contains { $0.ack?.reason == .pingResponse })
  }

  @Test("When every connection is in use, new ones are not made")
  func connectionBoundAllBusy() {
    var configuration = RxEndpointConfiguration()
    configuration.serverConnectionsMax = 2
    let dialogue = PacketDialogue.serving(configuration: configuration)
    for number in UInt32(1)...4 {
      dialogue.cid = number << 4
      dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    }
    #expect(dialogue.endpoint.serverConnections.count == 2)
    #expect(dialogue.endpoint.calls.count == 2)
  }

  @Test("A jumbogram's packets arrive like any others")
  func jumbogram() {
    let dialogue = PacketDialogue.serving()
    let header = dialogue.peerHeader(.data, seq: 1, flags: .jumbo)
    let flags: PacketFlags = [.lastPacket, .clientInitiated]
    dialogue.peerSends(
      header, [UInt8](repeating: 1, count: 1412) + [flags.rawValue, 0, 0, 0] + [UInt8](repeating: 2, count: 10))
    dialogue.collectEvents()
    let (count, isAtEnd) = dialogue.read()
    #expect(count == 1422)
    #expect(isAtEnd)
  }

  @Test("A version packet is answered with 65 bytes of text if it has as many; an answer is not answered")
  func version() {
    let dialogue = PacketDialogue.serving()
    var header = dialogue.peerHeader(.version)
    header.flags = .clientInitiated
    dialogue.peerSends(header, [UInt8](repeating: 0, count: 65))
    let answer = dialogue.sent()
    #expect(answer.count == 1)
    #expect(answer[0].body.count == 65)
    #expect(String(decoding: answer[0].body.prefix { $0 != 0 }, as: UTF8.self) == "afsfuse")
    #expect(!answer[0].header.isFromClient)
    header.flags = []
    dialogue.peerSends(header, [UInt8](repeating: 0, count: 65))
    #expect(dialogue.sent().isEmpty)
  }

  @Test("A connection whose epoch is random may come from another address; answers go to the first")
  func movingClient() {
    let dialogue = Self.served()
    _ = dialogue.write(10, isLast: true)
    _ = dialogue.sent()
    var bytes = [UInt8](repeating: 0, count: RxHeader.byteCount)
    bytes.withUnsafeMutableBytes {
      dialogue.peerHeader(.ack, flags: .requestAck).write(to: $0.baseAddress!)
    }
    dialogue.receive(
      bytes + [UInt8](repeating: 0, count: 18), from: RxAddress(ipv4: 0x0A00_0099, port: 4000))
    let answer = dialogue.sent()
    #expect(answer.map { $0.ack?.reason } == [.pingResponse])
    #expect(answer[0].destination == PacketDialogue.peerAddress)
  }

  @Test("A service that checks reachability pings a new client, and serves its call after the answer")
  func firstContact() throws {
    let dialogue = PacketDialogue.serving()
    dialogue.endpoint.register(service: PacketDialogue.service, checksReachability: true)
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    let ping = dialogue.sent()
    #expect(ping.map(\.ack) == [SentPacket.Ack(reason: .ping, first: 2)])
    #expect(ping[0].header.flags.contains(.requestAck))
    #expect(dialogue.takeEvents() == [])
    // A forged answer, which does not know the ping's serial, does not count.
    dialogue.peerSendsAck(.pingResponse, first: 1, serial: ping[0].header.serial.rawValue + 5)
    #expect(dialogue.takeEvents() == [])
    dialogue.peerSendsAck(.pingResponse, first: 1, serial: ping[0].header.serial.rawValue)
    #expect(dialogue.takeEvents().count == 2)
    // The second call is served at once; after a minute the client is asked again.
    _ = dialogue.write(1, isLast: true)
    _ = dialogue.sent()
    dialogue.callNumber = 2
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    #expect(dialogue.takeEvents().count == 3)
    dialogue.endpoint.abort(dialogue.call!, AbortCode(1), now: dialogue.now)
    _ = dialogue.sent()
    dialogue.wait(until: 60_001)
    _ = dialogue.takeEvents()
    dialogue.callNumber = 3
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    #expect(dialogue.sent().map { $0.ack?.reason } == [.ping])
    #expect(dialogue.takeEvents() == [])
  }

  @Test("A first-contact ping without an answer is repeated every two seconds")
  func firstContactLost() {
    let dialogue = PacketDialogue.serving()
    dialogue.endpoint.register(service: PacketDialogue.service, checksReachability: true)
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    #expect(dialogue.sent().map { $0.ack?.reason } == [.ping])
    dialogue.wait(until: 1999)
    #expect(!dialogue.sent().contains { $0.ack?.reason == .ping })
    dialogue.wait(until: 2001)
    #expect(dialogue.sent().map { $0.ack?.reason } == [.ping])
  }
}
