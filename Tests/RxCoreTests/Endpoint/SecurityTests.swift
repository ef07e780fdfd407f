import AFSBase
import AFSTypes
import RxTesting
import Testing

@testable import RxCore

/// A security class for tests: a shared secret, a header and a trailer around each payload, bytes turned over.
final class TestSecurity: RxClientSecurity, RxServerSecurity {
  let securityIndex: UInt8 = 2
  let secret: UInt8
  let isExpired: Bool

  init(secret: UInt8, isExpired: Bool = false) {
    self.secret = secret
    self.isExpired = isExpired
  }

  func openConnection(
    _ context: RxSecurityContext
  ) throws(RxSecurityFailure) -> any RxClientConnectionSecurity {
    if isExpired { throw RxSecurityFailure(code: AbortCode(19_270_409), reason: "expired") }
    return TestConnectionSecurity(secret: secret, nonce: 0)
  }

  func acceptConnection(_ context: RxSecurityContext, nonce: UInt64) -> any RxServerConnectionSecurity {
    TestConnectionSecurity(secret: secret, nonce: nonce)
  }
}

final class TestConnectionSecurity: RxClientConnectionSecurity, RxServerConnectionSecurity {
  let headerByteCount = 4
  let trailerByteCountMax = 3
  private(set) var isAuthenticated = false
  private let secret: UInt8
  private let nonce: UInt64
  private var callsSeen = 0
  var acceptsNewCalls: Bool { true }

  init(secret: UInt8, nonce: UInt64) {
    self.secret = secret
    self.nonce = nonce
  }

  private func check(_ packet: RxPacketIdentity) -> UInt8 {
    UInt8(truncatingIfNeeded: packet.seq &* 7 &+ packet.callNumber &+ UInt32(packet.channel)) ^ secret
      ^ (packet.isFromClient ? 0x80 : 0) ^ (packet.isLast ? 0x40 : 0)
  }

  func seal(
    _ body: UnsafeMutableRawBufferPointer, payloadByteCount: Int, of packet: RxPacketIdentity
  ) -> RxSealedPacket {
    let trailer = payloadByteCount % 4
    for offset in 0..<4 { body[offset] = check(packet) }
    for offset in 4..<(4 + payloadByteCount) { body[offset] ^= 0xFF }
    for offset in 0..<trailer { body[4 + payloadByteCount + offset] = UInt8(trailer) }
    body[3] = UInt8(trailer)
    return RxSealedPacket(byteCount: 4 + payloadByteCount + trailer, checksum: UInt16(check(packet)) << 8 | 1)
  }

  func open(
    _ body: UnsafeMutableRawBufferPointer, checksum: UInt16, of packet: RxPacketIdentity
  ) throws(RxSecurityFailure) -> Range<Int> {
    guard body.count >= 4, body[0] == check(packet), checksum == UInt16(check(packet)) << 8 | 1 else {
      throw RxSecurityFailure(code: AbortCode(19_270_410), reason: "bad check")
    }
    let end = body.count - Int(body[3])
    guard end >= 4 else { throw RxSecurityFailure(code: AbortCode(19_270_411), reason: "bad length") }
    for offset in 4..<end { body[offset] ^= 0xFF }
    return 4..<end
  }

  func respond(
    to challenge: UnsafeRawBufferPointer, callNumbers: [4 of UInt32]
  ) throws(RxSecurityFailure) -> [UInt8] {
    guard challenge.count == 8 else { throw RxSecurityFailure(code: AbortCode(19_270_401), reason: "short challenge") }
    return challenge.map { $0 ^ secret } + withUnsafeBytes(of: callNumbers[0].bigEndian) { Array($0) }
  }

  func challenge() -> [UInt8] { withUnsafeBytes(of: nonce) { Array($0) } }

  func accept(response: UnsafeRawBufferPointer) throws(RxSecurityFailure) -> [4 of UInt32]? {
    guard response.prefix(8).map({ $0 ^ secret }) == challenge() else {
      throw RxSecurityFailure(code: AbortCode(19_270_408), reason: "unknown key")
    }
    isAuthenticated = true
    return nil
  }
}

@Suite struct SecurityTests {
  /// A transfer where both sides know `secret`, or not.
  static func simulation(
    seed: UInt64, conditions: NetworkConditions, clientSecret: UInt8 = 9, isExpired: Bool = false,
    jobs: [TransferCaller.Job]
  ) -> TransferSimulation {
    let simulation = TransferSimulation(
      conditions: conditions, jobs: jobs, parallel: 3, seed: seed, options: RxCallOptions(deadTime: .seconds(500)),
      security: TestSecurity(secret: clientSecret, isExpired: isExpired))
    simulation.server.endpoint.register(TestSecurity(secret: 9), for: TransferSimulation.service)
    return simulation
  }

  static let jobs = (0..<6).map { TransferCaller.Job(id: $0 * 2, requestCount: 20_001, replyCount: 50_003) }

  @Test("Sealed streams arrive over a bad network", arguments: UInt64(1)...10)
  func transfers(seed: UInt64) {
    var conditions = NetworkConditions(delay: .milliseconds(5))
    conditions.lostPerMille = 100
    conditions.jitter = .milliseconds(5)
    conditions.duplicatedPerMille = 50
    let simulation = Self.simulation(seed: seed, conditions: conditions, jobs: Self.jobs)
    #expect(simulation.run(limit: .seconds(3000)))
    #expect(simulation.caller.problems == [])
    #expect(simulation.caller.completedJobs == 6)
    simulation.expectNothingLeft()
    #expect(simulation.transferService.problems == [])
  }

  @Test("The challenge is sent once per connection, the response once, and DATA is not repeated")
  func exchange() {
    let simulation = Self.simulation(
      seed: 1, conditions: NetworkConditions(delay: .milliseconds(1)),
      jobs: [TransferCaller.Job(id: 1, requestCount: 10, replyCount: 10)])
    var types: [PacketType?] = []
    simulation.network.trace = { datagram, _, _ in types.append(PacketType(rawValue: datagram[20])) }
    #expect(simulation.run(limit: .seconds(10)))
    #expect(types == [.data, .challenge, .response, .data])
    #expect(simulation.network.now.nanoseconds == 4_000_000)
  }

  @Test("With the wrong secret the connection is aborted and no call reaches the service")
  func wrongSecret() {
    let simulation = Self.simulation(
      seed: 1, conditions: NetworkConditions(), clientSecret: 8,
      jobs: [TransferCaller.Job(id: 1, requestCount: 10, replyCount: 10)])
    #expect(simulation.run(limit: .seconds(10)))
    #expect(simulation.caller.completions == [.failure(.aborted(AbortCode(19_270_408)))])
    #expect(simulation.transferService.begun == 0)
  }

  @Test("Calls share a connection under one security only; when that is replaced the next call opens another")
  func sharing() {
    var configuration = RxEndpointConfiguration()
    configuration.greetingCallsMax = 100
    let dialogue = PacketDialogue.opening(configuration: configuration)
    // Of equal keys, even: who may share registers one object.
    let alice = dialogue.endpoint.register(TestSecurity(secret: 9))
    let bob = dialogue.endpoint.register(TestSecurity(secret: 9))
    func connection(_ security: RxClientSecurityReference) -> UInt32? {
      dialogue.call = dialogue.endpoint.openCall(
        to: RxTarget(peer: PacketDialogue.peerAddress, service: PacketDialogue.service, security: security),
        options: RxCallOptions(), now: dialogue.now)
      _ = dialogue.write(1, isLast: true)
      return dialogue.sent().first?.header.connectionID
    }
    let first = connection(alice)
    #expect(first != nil && connection(alice) == first)
    #expect(Set([first, connection(bob), connection(.none)]).count == 3)
    #expect(connection(alice) == first)
    dialogue.endpoint.replace(alice, with: TestSecurity(secret: 9))
    let next = connection(alice)
    #expect(next != nil && next != first && connection(alice) == next)
  }

  @Test("Credentials that can no longer be used fail the call before any packet")
  func expired() {
    let simulation = Self.simulation(
      seed: 1, conditions: NetworkConditions(), isExpired: true,
      jobs: [TransferCaller.Job(id: 1, requestCount: 10, replyCount: 10)])
    #expect(simulation.run(limit: .seconds(10)))
    #expect(simulation.caller.completions == [.failure(.security("expired"))])
    #expect(simulation.network.datagramsSent == 0)
  }

  @Test("A packet that fails its check ends the connection before a byte of it is read")
  func forged() {
    let simulation = Self.simulation(
      seed: 1, conditions: NetworkConditions(delay: .milliseconds(1)),
      jobs: [TransferCaller.Job(id: 1, requestCount: 10, replyCount: 10_000)])
    var isForged = false
    let network = simulation.network
    network.trace = { datagram, path, _ in
      guard !isForged, path.source == TransferSimulation.serverAddress, datagram[20] == PacketType.data.rawValue else {
        return
      }
      isForged = true
      var bytes = [UInt8](datagram)
      bytes[28] ^= 1
      network.inject(bytes, from: path.source, to: path.destination)
    }
    #expect(simulation.run(limit: .seconds(10)))
    #expect(simulation.caller.completions == [.failure(.abortedLocally(AbortCode(19_270_410)))])
    #expect(simulation.caller.problems == [])
  }

  @Test("A lost challenge is repeated after two seconds")
  func lostChallenge() {
    let dialogue = PacketDialogue.serving()
    dialogue.endpoint.register(TestSecurity(secret: 9), for: PacketDialogue.service)
    var header = dialogue.peerHeader(.data, seq: 1, flags: .lastPacket)
    header.securityIndex = 2
    dialogue.peerSends(header, [1, 2, 3, 4, 5])
    #expect(dialogue.sent().map(\.type) == [.challenge])
    #expect(dialogue.takeEvents() == [])
    dialogue.wait(until: 1900)
    _ = dialogue.sent()
    dialogue.wait(until: 1999)
    #expect(!dialogue.sent().contains { $0.type == .challenge })
    dialogue.wait(until: 2001)
    #expect(dialogue.sent().map(\.type) == [.challenge])
  }

  @Test("A challenge is answered only while a call is under way")
  func oracle() {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    var header = dialogue.peerHeader(.challenge)
    header.callNumber = .connection
    dialogue.peerSends(header, [UInt8](repeating: 0, count: 8))
    #expect(dialogue.sent().isEmpty)
  }
}
