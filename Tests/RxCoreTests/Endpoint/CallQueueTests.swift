import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// Which client calls begin at once, and which wait.
@Suite struct CallQueueTests {
  static let target = RxTarget(peer: PacketDialogue.peerAddress, service: PacketDialogue.service)

  /// Opens calls and writes a small request to each; returns their handles.
  static func open(
    _ count: Int, on dialogue: PacketDialogue, options: RxCallOptions = RxCallOptions()
  ) -> [RxCallHandle] {
    (0..<count).map { _ in
      let call = dialogue.endpoint.openCall(to: target, options: options, now: dialogue.now)
      request(call, dialogue)
      return call
    }
  }

  static func request(_ call: RxCallHandle, _ dialogue: PacketDialogue) {
    _ = [UInt8](repeating: 1, count: 8).withUnsafeBytes {
      dialogue.endpoint.write(call, $0, isLast: true, now: dialogue.now)
    }
  }

  /// The peer replies to a request with one packet.
  static func reply(to packet: SentPacket, _ dialogue: PacketDialogue) {
    dialogue.cid = packet.header.cid
    dialogue.callNumber = packet.header.callNumber.rawValue
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
  }

  /// Requests of calls which became writable meanwhile are written; what goes out is returned.
  static func proceed(_ dialogue: PacketDialogue) -> [SentPacket] {
    for event in dialogue.takeEvents() { if case .writable(let call) = event { request(call, dialogue) } }
    return dialogue.sent().filter { $0.type == .data }
  }

  /// A dialogue whose peer has answered nothing yet.
  static func dialogue(_ configure: (inout RxEndpointConfiguration) -> Void = { _ in }) -> PacketDialogue {
    var configuration = RxEndpointConfiguration()
    configure(&configuration)
    return PacketDialogue.serving(configuration: configuration).asServer()
  }

  @Test("A new peer gets four calls; the others follow its first answer, in order")
  func greeting() {
    let dialogue = Self.dialogue()
    _ = Self.open(10, on: dialogue)
    let first = Self.proceed(dialogue)
    #expect(first.count == 4)
    #expect(dialogue.endpoint.queuedCallCount == 6)
    Self.reply(to: first[0], dialogue)
    // The answered connection has one free channel, and another connection may greet with up to four calls.
    #expect(Self.proceed(dialogue).count == 5)
    #expect(dialogue.endpoint.queuedCallCount == 1)
  }

  @Test("Acks which come later than any first packet's show that a long request is being served")
  func longRequest() {
    let dialogue = Self.dialogue()
    _ = Self.open(6, on: dialogue)
    let first = Self.proceed(dialogue)
    dialogue.cid = first[0].header.cid
    dialogue.callNumber = 1
    dialogue.peerSendsAck(.ping, first: 1, flags: .requestAck)
    _ = dialogue.sent()
    #expect(dialogue.endpoint.queuedCallCount == 2)
    dialogue.wait(until: 150)
    dialogue.peerSendsAck(.ping, first: 1, flags: .requestAck)
    #expect(dialogue.endpoint.queuedCallCount == 2)
    dialogue.peerSendsAck(.delay, first: 2)
    #expect(dialogue.endpoint.queuedCallCount == 0)
  }

  @Test("A target has a limited number of connections; ended calls make room for those that wait")
  func connections() {
    let dialogue = Self.dialogue {
      $0.connectionsPerTargetMax = 2
      $0.greetingCallsMax = 100
    }
    let calls = Self.open(20, on: dialogue)
    let first = Self.proceed(dialogue)
    #expect(first.count == 8)
    #expect(dialogue.endpoint.clientConnections.count == 2)
    for packet in first.prefix(3) { Self.reply(to: packet, dialogue) }
    #expect(Self.proceed(dialogue).count == 3)
    for call in calls { dialogue.endpoint.release(call, now: dialogue.now) }
    #expect(dialogue.endpoint.calls.count == 0)
    #expect(dialogue.endpoint.queuedCallCount == 0)
    #expect(dialogue.endpoint.targets[Self.target]?.waiting.isEmpty ?? true)
  }

  @Test("The queue is bounded, and a waiting call ends at its deadline")
  func bounds() {
    let dialogue = Self.dialogue {
      $0.queuedCallsMax = 3
      $0.greetingCallsMax = 1
    }
    let calls = Self.open(5, on: dialogue, options: RxCallOptions(deadline: .seconds(2)))
    #expect(dialogue.takeEvents() == [.completed(calls[4], .failure(.tooManyCalls))])
    _ = dialogue.sent(until: 2100)
    let ends = dialogue.takeEvents().filter { if case .completed = $0 { true } else { false } }
    #expect(ends.count == 4)
    #expect(Set(ends) == Set(calls[..<4].map { .completed($0, .failure(.timedOut(.hard))) }))
    #expect(dialogue.endpoint.queuedCallCount == 0)
  }

  @Test("Calls that wait for a peer which proves dead fail with those that found it out")
  func deadPeer() {
    let dialogue = Self.dialogue()
    let calls = Self.open(9, on: dialogue, options: RxCallOptions(deadTime: .seconds(10)))
    _ = dialogue.sent(until: 10_100)
    #expect(Set(dialogue.takeEvents()) == Set(calls.map { .completed($0, .failure(.timedOut(.dead))) }))
    #expect(dialogue.endpoint.targets[Self.target]?.waiting.isEmpty ?? true)
  }

  @Test("An exclusive call has a connection of its own, which answers stragglers for a minute and takes no other call")
  func exclusive() {
    let dialogue = Self.dialogue()
    _ = Self.open(2, on: dialogue, options: RxCallOptions(isExclusive: true))
    let requests = Self.proceed(dialogue)
    #expect(Set(requests.map(\.header.connectionID)).count == 2)
    for packet in requests { Self.reply(to: packet, dialogue) }
    _ = dialogue.sent()
    _ = Self.open(1, on: dialogue)
    let third = Self.proceed(dialogue)
    #expect(!requests.map(\.header.connectionID).contains(third[0].header.connectionID))
    Self.reply(to: requests[1], dialogue)
    #expect(dialogue.sent().map(\.ack) == [SentPacket.Ack(reason: .duplicate, first: 2)])
    _ = dialogue.sent(until: 61_000)
    #expect(dialogue.endpoint.lingeringConnections.count == 0)
  }

  @Test("Connection ids run over the whole range and wrap; those in use are left out")
  func connectionIDs() {
    let dialogue = Self.dialogue { $0.greetingCallsMax = 100 }
    dialogue.endpoint.nextConnectionID = 0xFFFF_FFF8
    _ = Self.open(4, on: dialogue, options: RxCallOptions(isExclusive: true))
    #expect(Self.proceed(dialogue).map(\.header.cid) == [0xFFFF_FFF8, 0xFFFF_FFFC, 0, 4])
    dialogue.endpoint.nextConnectionID = 0xFFFF_FFFC
    _ = Self.open(1, on: dialogue, options: RxCallOptions(isExclusive: true))
    #expect(Self.proceed(dialogue).map(\.header.cid) == [8])
  }

  @Test("A connection whose call numbers come to their end makes room for another")
  func callNumbers() {
    let dialogue = Self.dialogue()
    _ = Self.open(1, on: dialogue)
    let first = Self.proceed(dialogue)
    Self.reply(to: first[0], dialogue)
    _ = dialogue.sent()
    for channel in 0..<4 { dialogue.endpoint.connections[0].channels[channel].callNumber = CallNumber(0x7FFF_FFFE) }
    _ = Self.open(2, on: dialogue)
    let requests = Self.proceed(dialogue)
    #expect(requests.map(\.header.callNumber) == [CallNumber(0x7FFF_FFFF), CallNumber(1)])
    #expect(requests[0].header.connectionID != requests[1].header.connectionID)
    #expect(CallNumber(.max).next == CallNumber(1))
  }

  @Test("BUSY is a sign of life: the call goes on asking, at most every five seconds, and never starts anew")
  func busy() {
    let dialogue = PacketDialogue.calling(options: RxCallOptions(deadTime: .seconds(20)))
    var requests = 0
    for second in 0..<100 {
      dialogue.wait(until: second * 1000)
      for packet in dialogue.sent() where packet.type == .data {
        requests += 1
        #expect(packet.header.callNumber == CallNumber(1))
        dialogue.peerSends(dialogue.peerHeader(.busy), [])
      }
    }
    #expect((20...40).contains(requests))
    #expect(dialogue.takeEvents() == [])
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    #expect(dialogue.takeEvents().last == .completed(dialogue.call!, .success))
  }

  @Test("A call's statistics count packets, repetitions and bytes")
  func statistics() throws {
    let dialogue = PacketDialogue.calling(requestCount: 3000)
    _ = dialogue.sent()
    dialogue.wait(until: 700)
    _ = dialogue.sent()
    dialogue.peerSendsAck(.requested, first: 4, serial: 4)
    dialogue.peerSendsData(seq: 1, count: 100)
    dialogue.peerSendsData(seq: 1, count: 100)
    dialogue.collectEvents()
    _ = dialogue.read()
    let found = dialogue.endpoint.statistics(of: dialogue.call!)
    let statistics = try #require(found)
    #expect(statistics.bytesWritten == 3000)
    #expect(statistics.packetsSent - statistics.packetsResent == 3)
    #expect(statistics.packetsResent >= 1)
    #expect(statistics.packetsReceived == 2)
    #expect(statistics.packetsDropped == 1)
    #expect(statistics.bytesRead == 100)
    #expect(statistics.roundTrip != nil)
    dialogue.endpoint.release(dialogue.call!, now: dialogue.now)
    let afterwards = dialogue.endpoint.statistics(of: dialogue.call!)
    #expect(afterwards == nil)
  }
}
