import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// Datagrams of any content, into endpoints in the middle of their work.
@Suite struct HostileTests {
  @Test("Random bytes do no harm", arguments: UInt64(1)...20)
  func randomBytes(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let dialogue = PacketDialogue.calling()
    dialogue.endpoint.register(service: PacketDialogue.service)
    for step in 0..<500 {
      let count = Int.random(in: 0...(step % 20 == 0 ? 3000 : 80), using: &generator)
      dialogue.receive((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
      if step % 50 == 0 { _ = dialogue.sent() }
    }
    _ = dialogue.sent()
    #expect(dialogue.endpoint.calls.count <= 1 + 500)
  }

  /// Packets which belong to a call under way, with any type, flags, numbers and body.
  static func plausiblePacket(
    _ dialogue: PacketDialogue, using generator: inout SeededGenerator
  ) -> (RxHeader, [UInt8]) {
    var header = dialogue.peerHeader(.data)
    header.type = UInt8.random(in: 0...14, using: &generator)
    header.flags = PacketFlags(
      rawValue: UInt8.random(in: 0...255, using: &generator) & ~1 | (dialogue.isPeerServer ? 0 : 1))
    let near: [UInt32] = [0, 1, 2, 3, 4, 30, 200, 254, 255, 256, 257, 300, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF]
    header.seq = Seq(near.randomElement(using: &generator)!)
    header.serial = Serial(near.randomElement(using: &generator)!)
    if Int.random(in: 0..<10, using: &generator) == 0 {
      header.callNumber = CallNumber(near.randomElement(using: &generator)!)
    }
    if Int.random(in: 0..<10, using: &generator) == 0 { header.cid ^= 3 }
    if Int.random(in: 0..<20, using: &generator) == 0 { header.securityIndex = 2 }
    let sizes = [0, 1, 4, 17, 18, 21, 37, 40, 100, 1412, 1416, 1417, 5000, 20_000]
    let filler = UInt8.random(in: 0...255, using: &generator)
    var body = [UInt8](repeating: filler, count: sizes.randomElement(using: &generator)!)
    for offset in body.indices.prefix(60) { body[offset] = UInt8.random(in: 0...255, using: &generator) }
    if header.type == PacketType.ack.rawValue, body.count >= 18 {
      let first = near.randomElement(using: &generator)!
      for byte in 0..<4 { body[4 + byte] = UInt8(truncatingIfNeeded: first >> UInt32(24 - 8 * byte)) }
    }
    return (header, body)
  }

  @Test("Packets that could belong to a call do no harm, and end it at most once", arguments: UInt64(1)...60)
  func plausiblePackets(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let dialogue = seed % 2 == 0 ? PacketDialogue.calling(requestCount: 100_000) : PacketDialogue.serving()
    dialogue.endpoint.register(TestSecurity(secret: 1), for: PacketDialogue.service)
    var ends: [RxCallHandle: Int] = [:]
    for step in 0..<400 {
      let (header, body) = Self.plausiblePacket(dialogue, using: &generator)
      dialogue.peerSends(header, body)
      for event in dialogue.takeEvents() {
        if case .completed(let call, _) = event { ends[call, default: 0] += 1 }
      }
      if Bool.random(using: &generator) { _ = dialogue.sent() }
      if dialogue.call != nil, Int.random(in: 0..<4, using: &generator) == 0 { _ = dialogue.read(5000) }
      if dialogue.call != nil, Int.random(in: 0..<8, using: &generator) == 0 {
        _ = dialogue.write(Int.random(in: 0...20_000, using: &generator), isLast: false)
      }
      if Int.random(in: 0..<20, using: &generator) == 0 { dialogue.wait(until: step * 40) }
    }
    #expect(ends.values.allSatisfy { $0 == 1 })
  }

  @Test("A flood of strangers' calls is answered at a bounded rate")
  func strangersFlood() {
    let dialogue = PacketDialogue.serving()
    var answers = 0
    for number in UInt32(0)..<5000 {
      dialogue.cid = number << 2
      var header = dialogue.peerHeader(.data, seq: 1, flags: .lastPacket)
      header.serviceID = 99
      dialogue.peerSends(header, [0, 0, 0, 1])
      answers += dialogue.sent().count
    }
    #expect(answers == 1000)
  }

  @Test("Half-open calls are bounded, those of one host to a quarter: beginnings without a first packet")
  func halfOpenCalls() {
    var configuration = RxEndpointConfiguration()
    configuration.halfOpenCallsMax = 100
    let dialogue = PacketDialogue.serving(configuration: configuration)
    for number in UInt32(1)...1000 {
      dialogue.cid = number << 2
      dialogue.peerSendsData(seq: 2)
    }
    #expect(dialogue.endpoint.calls.count == 25)
    // Calls that begin with their beginning are still taken.
    dialogue.cid = 2000 << 2
    dialogue.peerSendsData(seq: 1)
    #expect(dialogue.takeEvents().count == 2)
  }

  @Test("Output waiting for the driver is bounded")
  func outputBound() {
    let dialogue = PacketDialogue.serving()
    for number in UInt32(0)..<10_000 {
      dialogue.cid = number << 2
      var header = dialogue.peerHeader(.version)
      header.flags = .clientInitiated
      dialogue.peerSends(header, [0])
    }
    #expect(dialogue.sent().count <= 50)
  }
}
