import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// DEBUG and VERSION packets, as `rxdebug` sends them.
@Suite struct DebugPacketTests {
  private static let local = RxAddress(ipv4: 0x7F00_0001, port: 4000)
  private static let remote = RxAddress(ipv4: 0x0A00_0001, port: 4000)
  private static let server = RxAddress(ipv4: 0x0A00_0009, port: 7000)

  /// The body of the answer; nil for none.
  private func ask(
    _ endpoint: inout RxEndpoint, type: PacketType = .debug, _ body: [UInt8], from source: RxAddress = local,
    isFromClient: Bool = true, now: MonotonicTime = .zero + .seconds(10)
  ) -> [UInt8]? {
    let header = RxHeader(
      epoch: 999, cid: 0, callNumber: CallNumber(101), type: type,
      flags: isFromClient ? [.clientInitiated, .lastPacket] : .lastPacket, securityIndex: 0, serviceID: 0)
    var bytes = [UInt8](repeating: 0, count: RxHeader.byteCount)
    bytes.withUnsafeMutableBytes { header.write(to: $0.baseAddress!) }
    bytes += body
    bytes.withUnsafeBytes { endpoint.receive($0, from: source, now: now) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
    defer { buffer.deallocate() }
    guard let answer = endpoint.nextTransmit(into: buffer, now: now) else { return nil }
    #expect(answer.destination == source)
    let parsed = RxHeader(UnsafeRawBufferPointer(buffer))
    #expect(parsed?.isFromClient == false && parsed?.callNumber == CallNumber(101) && parsed?.type == type.rawValue)
    return Array(buffer[RxHeader.byteCount..<answer.byteCount])
  }

  private func question(_ type: UInt8, _ index: UInt8 = 0) -> [UInt8] { [0, 0, 0, type, 0, 0, 0, index] }

  private func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 { bytes.withUnsafeBytes { $0.uint32(at: offset) } }

  private func endpoint() -> RxEndpoint {
    RxEndpoint(configuration: RxEndpointConfiguration(), seed: 1, now: .zero + .seconds(10))
  }

  @Test("The basic answer has the size and the version that rxdebug knows")
  func basics() throws {
    var endpoint = endpoint()
    let answer = try #require(ask(&endpoint, question(1)))
    #expect(answer.count == 56)
    #expect(answer[14] == UInt8(ascii: "S"))
  }

  @Test("Connections and peers are listed one by one, and the list has an end")
  func lists() throws {
    var endpoint = endpoint()
    let target = RxTarget(peer: Self.server, service: ServiceID(52))
    let call = endpoint.openCall(to: target, options: RxCallOptions(), now: .zero + .seconds(10))
    _ = endpoint.write(call, UnsafeRawBufferPointer(start: nil, count: 0), isLast: true, now: .zero + .seconds(10))
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
    defer { buffer.deallocate() }
    while endpoint.nextTransmit(into: buffer, now: .zero + .seconds(10)) != nil {}
    for type: UInt8 in [2, 3] {
      let answer = try #require(ask(&endpoint, question(type)))
      #expect(answer.count == 176)
      #expect(word(answer, 0) == 0x0A00_0009)
      #expect(answer[32..<34].elementsEqual([0x1B, 0x58]))
      #expect(word(answer, 12) == 1 || word(answer, 16) == 1 || word(answer, 20) == 1 || word(answer, 24) == 1)
      #expect(answer[35] == 0 && answer[56] == 1)
      #expect(answer[40..<44].contains(2) && answer[44..<48].contains(1))
      let end = try #require(ask(&endpoint, question(type, 1)))
      #expect(word(end, 4) == 0xFFFF_FFFF)
    }
    let peer = try #require(ask(&endpoint, question(5)))
    #expect(peer.count == 132 && word(peer, 0) == 0x0A00_0009)
    #expect(word(peer, 40) == 1)
    #expect(word(try #require(ask(&endpoint, question(5, 1))), 0) == 0xFFFF_FFFF)
  }

  @Test("Statistics count packets by type")
  func statistics() throws {
    var endpoint = endpoint()
    _ = ask(&endpoint, question(1))
    let answer = try #require(ask(&endpoint, question(4)))
    #expect(answer.count == 284)
    // Two debug packets (type 8) read, one sent so far.
    #expect(word(answer, (10 + 8) * 4) == 2)
    #expect(word(answer, (27 + 8) * 4) == 1)
  }

  @Test("Lanes of one port answer as one, whichever the question comes to", arguments: 0..<3)
  func lanes(first: Int) throws {
    let now = MonotonicTime.zero + .seconds(10)
    let lanes = (0..<3).map { LaneBox(RxLane(index: $0, of: 3), now: now) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
    defer { buffer.deallocate() }
    for (index, lane) in lanes.enumerated() {
      for number in 0...index {
        let target = RxTarget(peer: RxAddress(ipv4: 0x0A00_0001, port: UInt16(7000 + number)), service: ServiceID(52))
        let call = lane.endpoint.openCall(to: target, options: RxCallOptions(), now: now)
        _ = lane.endpoint.write(call, UnsafeRawBufferPointer(start: nil, count: 0), isLast: true, now: now)
      }
      while lane.endpoint.nextTransmit(into: buffer, now: now) != nil {}
    }
    func answer(_ body: [UInt8]) throws -> [UInt8] {
      if let own = ask(&lanes[first].endpoint, body, now: now) { return own }
      let passed = lanes[first].endpoint.nextDebugInquiry()
      var inquiry = try #require(passed)
      while true {
        let lane = lanes[inquiry.nextLane]
        lane.endpoint.take(inquiry, now: now)
        if let sent = lane.endpoint.nextTransmit(into: buffer, now: now) {
          return Array(buffer[RxHeader.byteCount..<sent.byteCount])
        }
        let next = lane.endpoint.nextDebugInquiry()
        inquiry = try #require(next)
      }
    }
    let statistics = try answer(question(4))
    #expect(word(statistics, (27 + 1) * 4) == 6)
    #expect(word(statistics, 57 * 4) == 6)
    #expect(word(statistics, 59 * 4) == 6)
    #expect(try answer(question(1)).count == 56)
    let cids = try (0..<6).map { word(try answer(question(3, $0)), 4) }
    #expect(Set(cids).count == 6 && !cids.contains(.max))
    #expect(word(try answer(question(3, 6)), 4) == .max)
    #expect(
      try (0..<7).map { word(try answer(question(5, $0)), 0) } == Array(repeating: 0x0A00_0001, count: 6) + [.max])
    #expect(word(try answer(question(6)), 0) == 0xFFFF_FFF8)
  }

  private final class LaneBox {
    var endpoint: RxEndpoint
    init(_ lane: RxLane, now: MonotonicTime) {
      endpoint = RxEndpoint(configuration: RxEndpointConfiguration(), seed: UInt64(lane.index), now: now, lane: lane)
    }
  }

  @Test("A question of an unknown type gets RX_DEBUGI_BADTYPE", arguments: [UInt8(0), 6, 255])
  func unknown(type: UInt8) throws {
    var endpoint = endpoint()
    let answer = try #require(ask(&endpoint, question(type)))
    #expect(answer.count == 8 && word(answer, 0) == 0xFFFF_FFF8)
  }

  @Test("Answers, short questions and strangers' questions get none")
  func silence() {
    var endpoint = endpoint()
    #expect(ask(&endpoint, question(1), isFromClient: false) == nil)
    #expect(ask(&endpoint, [0, 0, 0, 1]) == nil)
    #expect(ask(&endpoint, question(1), from: Self.remote) == nil)
  }

  @Test("Configured networks are answered; no more than so many questions a second")
  func configured() {
    var configuration = RxEndpointConfiguration()
    configuration.debugNetworks = [RxNetwork("10.0.0.0/8")!]
    var endpoint = RxEndpoint(configuration: configuration, seed: 1, now: .zero + .seconds(10))
    #expect(ask(&endpoint, question(1), from: Self.local) == nil)
    let answered = (0..<2000).count { _ in ask(&endpoint, question(4), from: Self.remote) != nil }
    #expect(answered == RxEndpoint.debugAnswersPerSecond)
  }

  @Test("A stranger's version question is not answered with more bytes than it had")
  func version() throws {
    var endpoint = endpoint()
    #expect(ask(&endpoint, type: .version, [0], from: Self.remote)?.count == 1)
    let whole = try #require(ask(&endpoint, type: .version, [0], from: Self.local))
    #expect(whole.count == 65 && String(decoding: whole.prefix { $0 != 0 }, as: UTF8.self) == "afsfuse")
  }

  @Test(
    "A network contains its addresses and no others",
    arguments: [
      ("10.1.0.0/16", 0x0A01_FFFF as UInt32, 0x0A02_0000 as UInt32), ("127.0.0.1", 0x7F00_0001, 0x7F00_0002),
      ("192.168.1.128/25", 0xC0A8_01FF, 0xC0A8_017F),
    ])
  func networks(text: String, inside: UInt32, outside: UInt32) throws {
    let network = try #require(RxNetwork(text))
    #expect(network.contains(RxAddress(ipv4: inside, port: 1)))
    #expect(!network.contains(RxAddress(ipv4: outside, port: 1)))
  }

  @Test("What is no network is refused", arguments: ["", "10.0.0", "10.0.0.0/33", "10.0.0.256", "a.b.c.d", "1.2.3.4/"])
  func malformed(text: String) { #expect(RxNetwork(text) == nil) }

  @Test("The whole IPv6 internet, and one address of it")
  func ipv6() {
    let address = RxAddress(high: 0x2001_0DB8_0000_0000, low: 1, port: 9)
    #expect(RxNetwork(address, prefix: 0).contains(RxAddress(ipv4: 1, port: 1)))
    #expect(RxNetwork(address, prefix: 128).contains(address))
    #expect(!RxNetwork(address, prefix: 64).contains(RxAddress(high: 0x2001_0DB8_0000_0001, low: 1, port: 9)))
  }
}
