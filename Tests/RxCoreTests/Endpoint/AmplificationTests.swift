import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// An address that has proven nothing is never sent more bytes than came from it.
@Suite struct AmplificationTests {
  /// A service with long replies, and strangers who send it whatever they like. Counts bytes both ways.
  final class Scene {
    var endpoint: RxEndpoint
    var now = MonotonicTime(nanoseconds: 1_000_000_000)
    private(set) var bytesIn: [RxAddress: Int] = [:]
    private(set) var bytesOut: [RxAddress: Int] = [:]
    private(set) var sent: [(RxHeader, RxAddress)] = []
    private(set) var served = 0
    /// The service aborts its calls.
    var refuses = false
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 8)
    private let reply = [UInt8](repeating: 9, count: 100_000)
    deinit { buffer.deallocate() }

    init(configuration: RxEndpointConfiguration = RxEndpointConfiguration()) {
      endpoint = RxEndpoint(configuration: configuration, seed: 3, now: now)
      endpoint.register(service: ServiceID(1))
      endpoint.register(service: ServiceID(2), checksReachability: true)
      endpoint.register(TestSecurity(secret: 1), for: ServiceID(1))
    }

    func receive(_ header: RxHeader, _ body: [UInt8], from source: RxAddress) {
      var bytes = [UInt8](repeating: 0, count: RxHeader.byteCount)
      bytes.withUnsafeMutableBytes { header.write(to: $0.baseAddress!) }
      bytes += body
      bytesIn[source, default: 0] += bytes.count
      bytes.withUnsafeBytes { endpoint.receive($0, from: source, now: now) }
      settle()
    }

    func settle() {
      while let event = endpoint.nextEvent() {
        switch event {
        case .incoming(let call, _):
          served += 1
          if refuses {
            endpoint.abort(call, AbortCode(5), now: now)
            continue
          }
          _ = reply.withUnsafeBytes { endpoint.write(call, $0, isLast: true, now: now) }
        case .readable(let call): _ = endpoint.read(call, into: buffer, now: now)
        case .writable: break
        case .completed(let call, _): endpoint.release(call, now: now)
        }
      }
      while let transmit = endpoint.nextTransmit(into: buffer, now: now) {
        bytesOut[transmit.destination, default: 0] += transmit.byteCount
        sent.append((RxHeader(UnsafeRawBufferPointer(buffer))!, transmit.destination))
      }
    }

    func wait(_ duration: Duration) {
      let end = now + duration
      while let next = endpoint.nextTimeout, next <= end {
        now = max(now, next)
        endpoint.timeout(now: now)
        settle()
      }
      now = end
    }

    func isProven(_ address: RxAddress) -> Bool { endpoint.isProven(address, now: now) }

    /// Addresses that were sent more than came from them.
    var amplified: [RxAddress] { bytesOut.filter { $0.value > bytesIn[$0.key, default: 0] }.map(\.key) }
  }

  static func request(
    cid: UInt32, service: UInt16 = 1, security: UInt8 = 0, type: PacketType = .data, callNumber: UInt32 = 1,
    seq: UInt32 = 1, flags: PacketFlags = [.clientInitiated, .lastPacket], serial: UInt32 = 1
  ) -> RxHeader {
    RxHeader(
      epoch: 0x8000_0001, cid: cid, callNumber: CallNumber(callNumber), seq: Seq(seq), serial: Serial(serial),
      type: type, flags: flags, securityIndex: security, serviceID: service)
  }

  static func stranger(_ number: Int) -> RxAddress { RxAddress(ipv4: 0x0B00_0000 + UInt32(number), port: 7001) }

  @Test(
    "One request and then silence: reply, challenge, ping and all repetitions stay within its size", arguments: 0...2)
  func silence(kind: Int) {
    let scene = Scene()
    scene.receive(
      Self.request(cid: 16, service: kind == 2 ? 2 : 1, security: kind == 1 ? 2 : 0), [0, 0, 0, 1],
      from: Self.stranger(0))
    scene.wait(.seconds(120))
    #expect(scene.amplified == [])
    #expect(scene.bytesOut[Self.stranger(0), default: 0] <= 32)
    #expect(scene.endpoint.calls.count == 0)
  }

  @Test("Whatever strangers send, none is sent more than it sent", arguments: UInt64(1)...40)
  func anything(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let scene = Scene()
    for _ in 0..<600 {
      let types: [PacketType] = [.data, .data, .data, .ack, .busy, .abort, .ackAll, .challenge, .response]
      var header = Self.request(
        cid: UInt32.random(in: 0..<40, using: &generator), service: UInt16.random(in: 1...3, using: &generator),
        security: Int.random(in: 0..<3, using: &generator) == 0 ? 2 : 0, type: types.randomElement(using: &generator)!,
        callNumber: UInt32.random(in: 0...3, using: &generator), seq: UInt32.random(in: 0...4, using: &generator),
        flags: PacketFlags(rawValue: UInt8.random(in: 0...15, using: &generator) | 1),
        serial: UInt32.random(in: 0...5, using: &generator))
      if Bool.random(using: &generator) { header.flags.insert(.lastPacket) }
      let count = [0, 1, 4, 18, 40, 100, 1416].randomElement(using: &generator)!
      let body = (0..<count).map { _ in UInt8.random(in: 0...9, using: &generator) }
      scene.receive(header, body, from: Self.stranger(Int.random(in: 0..<4, using: &generator)))
      if Int.random(in: 0..<10, using: &generator) == 0 {
        scene.wait(.milliseconds(Int.random(in: 1...9000, using: &generator)))
      }
    }
    scene.wait(.seconds(120))
    #expect(scene.amplified == [])
    #expect(scene.served > 0)
  }

  private func aborts(_ scene: Scene) -> [(RxHeader, RxAddress)] {
    scene.sent.filter { $0.0.type == PacketType.abort.rawValue }
  }

  @Test("A call to an unknown service is refused once its repetitions have as many bytes as that", arguments: 0...5)
  func unknownService(size: Int) {
    let scene = Scene()
    let header = Self.request(cid: 16, service: 999)
    let body = [UInt8](repeating: 1, count: size)
    scene.receive(header, body, from: Self.stranger(0))
    #expect(aborts(scene).count == (size < 4 ? 0 : 1))
    scene.receive(header, body, from: Self.stranger(0))
    #expect(aborts(scene).count == (size < 4 ? 1 : 2))
    scene.receive(header, body, from: Self.stranger(0))
    #expect(aborts(scene).count == (size < 4 ? 1 : 3))
    #expect(scene.amplified == [])
  }

  @Test("A proven client's call to an unknown service is refused at once, however small")
  func unknownServiceProven() throws {
    let scene = Scene()
    let client = Self.stranger(0)
    Self.acknowledge(scene, try Self.firstReplySerial(scene, from: client), from: client)
    #expect(scene.isProven(client))
    scene.receive(Self.request(cid: 32, service: 999), [], from: client)
    #expect(aborts(scene).map(\.1) == [client])
  }

  @Test("A call to an unknown service is refused in the end though many others do the same", arguments: [0, 1000])
  func unknownServiceFlood(others: Int) {
    let scene = Scene()
    let header = Self.request(cid: 16, service: 999)
    scene.receive(header, [1], from: Self.stranger(0))
    for number in 0..<others { scene.receive(header, [1], from: Self.stranger(1 + number)) }
    scene.receive(header, [1], from: Self.stranger(0))
    #expect(aborts(scene).map(\.1) == [Self.stranger(0)])
  }

  @Test("A service's abort reaches a client with a small request that repeats it", arguments: 0...4, [false, true])
  func abortOfSmallCall(size: Int, answersQuestions: Bool) throws {
    let scene = Scene()
    scene.refuses = true
    let body = [UInt8](repeating: 1, count: size)
    var answered = 0
    for repetition in UInt32(1)...4 {
      scene.receive(Self.request(cid: 16, serial: repetition), body, from: Self.stranger(0))
      while answersQuestions, answered < scene.sent.count {
        var (answer, _) = scene.sent[answered]
        answered += 1
        guard answer.type == PacketType.version.rawValue else { continue }
        answer.flags = []
        scene.receive(answer, [UInt8](repeating: 0, count: 65), from: Self.stranger(0))
      }
      scene.wait(.seconds(1))
    }
    #expect(!aborts(scene).isEmpty)
    if !answersQuestions { #expect(scene.amplified == []) }
  }

  @Test("Where all places are taken, even an empty request brings the question for a proof in the end")
  func emptyRequest() {
    var configuration = RxEndpointConfiguration()
    configuration.halfOpenCallsMax = 0
    let scene = Scene(configuration: configuration)
    for serial in UInt32(1)...2 {
      scene.receive(Self.request(cid: 16, service: 2, serial: serial), [], from: Self.stranger(0))
    }
    #expect(scene.sent.map(\.0.type) == [PacketType.version.rawValue])
    #expect(scene.amplified == [])
  }

  @Test("A client that answers is served in whole after one round trip more")
  func proof() throws {
    let scene = Scene()
    let client = Self.stranger(0)
    scene.receive(Self.request(cid: 16), [0, 0, 0, 1], from: client)
    let (question, destination) = try #require(scene.sent.last)
    #expect(question.type == PacketType.version.rawValue)
    #expect(destination == client)
    // From elsewhere, or with another cookie, it counts for nothing.
    var answer = question
    answer.flags = []
    scene.receive(answer, [UInt8](repeating: 0, count: 65), from: Self.stranger(1))
    answer.cid ^= 1
    scene.receive(answer, [UInt8](repeating: 0, count: 65), from: client)
    #expect(scene.bytesOut[client]! < 40)
    answer.cid ^= 1
    scene.receive(answer, [UInt8](repeating: 0, count: 65), from: client)
    #expect(scene.bytesOut[client]! > 10_000)
    #expect(scene.sent.last?.0.type == PacketType.data.rawValue)
  }

  @Test("The serial of a packet of ours proves the address; one that was guessed does not")
  func serials() throws {
    let scene = Scene()
    let client = Self.stranger(0)
    let first = try Self.firstReplySerial(scene, from: client)
    let before = scene.bytesOut[client]!
    Self.acknowledge(scene, Serial(1), from: client)
    #expect(scene.bytesOut[client]! - before <= 46)
    let second = try Self.firstReplySerial(scene, callNumber: 2, from: client)
    // A connection without others' calls, of a client that has proven nothing, begins anew.
    #expect(abs(second - first) > 1 << 18)
    Self.acknowledge(scene, second, callNumber: 2, from: client)
    #expect(scene.bytesOut[client]! > 10_000)
  }

  /// Sends a request that is as long as a reply packet: the first one goes out on trust.
  /// - Returns: its serial.
  static func firstReplySerial(_ scene: Scene, callNumber: UInt32 = 1, from client: RxAddress) throws -> Serial {
    scene.receive(
      Self.request(cid: 16, callNumber: callNumber, serial: callNumber * 4), [UInt8](repeating: 1, count: 1500),
      from: client)
    return try #require(scene.sent.last { $0.0.type == PacketType.data.rawValue && $0.1 == client }).0.serial
  }

  /// Acknowledges the reply's first packet, naming a serial.
  static func acknowledge(_ scene: Scene, _ serial: Serial, callNumber: UInt32 = 1, from client: RxAddress) {
    var body = [UInt8](repeating: 0, count: 18)
    body.withUnsafeMutableBytes { bytes in
      bytes.baseAddress!.store(UInt32(2), at: 4)
      bytes.baseAddress!.store(serial.rawValue, at: 12)
      bytes[16] = AckReason.requested.rawValue
    }
    scene.receive(
      Self.request(cid: 16, type: .ack, callNumber: callNumber, flags: .clientInitiated, serial: callNumber * 4 + 1),
      body, from: client)
  }

  /// Who held an address, knows the serials that were sent there, and sends under it when it is another's: one ack, since
  /// the next would acknowledge nothing.
  ///
  /// - Parameter guess: from the first serial, and from the last if the connection is still known.
  private static func proves(after seconds: Int, _ guess: (_ first: Serial, _ last: Serial) -> Serial) throws -> Bool {
    let scene = Scene()
    let client = stranger(0)
    let first = try firstReplySerial(scene, from: client)
    acknowledge(scene, first, from: client)
    #expect(scene.isProven(client))
    scene.wait(.seconds(seconds))
    let connection = scene.endpoint.serverConnections.values.first
    #expect((connection != nil) == (seconds < 700))
    let last = connection.map { scene.endpoint.connections[$0].lastSerial } ?? .none
    let second = try firstReplySerial(scene, callNumber: 2, from: client)
    #expect(!scene.isProven(client))
    acknowledge(scene, guess(first, last), callNumber: 2, from: client)
    if !scene.isProven(client), guess(first, last) == second { Issue.record("the right serial does not prove") }
    return scene.isProven(client)
  }

  @Test("A serial learned earlier proves nothing later, when the connection is still known", arguments: [120, 600])
  func learnedSerials(seconds: Int) throws {
    for step in 1...40 {
      let isProven = try Self.proves(after: seconds) { _, last in last + step }
      #expect(!isProven)
    }
  }

  @Test("Nor when it has been forgotten", arguments: [800, 4000])
  func learnedFirstSerials(seconds: Int) throws {
    for step in -20...20 {
      let isProven = try Self.proves(after: seconds) { first, _ in first + 8 * seconds + step }
      #expect(!isProven)
    }
  }

  @Test("First serials of servers' connections are not to be guessed")
  func firstSerials() {
    let scene = Scene()
    for number in 0..<20 {
      scene.receive(
        Self.request(cid: UInt32(number) << 2), [UInt8](repeating: 1, count: 1500), from: Self.stranger(number))
    }
    let serials = Set(scene.sent.filter { $0.0.type == PacketType.data.rawValue }.map(\.0.serial.rawValue))
    #expect(serials.count == 20)
    #expect(serials.allSatisfy { $0 < 1 << 31 })
    #expect(serials.max()! > 1 << 24)
  }

  @Test("Calls served on trust are few; those beyond wait for the proof and cost no reply's memory")
  func onTrust() {
    var configuration = RxEndpointConfiguration()
    configuration.callsOnTrustMax = 10
    let scene = Scene(configuration: configuration)
    for number in 0..<2000 {
      scene.receive(Self.request(cid: UInt32(number) << 2), [0, 0, 0, 1], from: Self.stranger(number))
    }
    #expect(scene.served == 10)
    let census = scene.endpoint.census
    #expect(census.calls <= 10 + configuration.halfOpenCallsMax)
    #expect(census.blocksInUse <= 10 * (configuration.transmitWindow + 2) + configuration.halfOpenCallsMax)
    #expect(scene.amplified == [])
  }

  @Test("Credit comes only from the address that is answered")
  func foreignCredit() {
    let scene = Scene()
    scene.receive(Self.request(cid: 16), [0, 0, 0, 1], from: Self.stranger(0))
    for serial in UInt32(2)..<200 {
      scene.receive(
        Self.request(cid: 16, serial: serial), [UInt8](repeating: 0, count: 1000), from: Self.stranger(1))
    }
    #expect(scene.bytesOut[Self.stranger(0)]! <= 32)
  }
}
