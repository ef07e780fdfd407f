import AFSBase
import AFSTypes
import RxSecurity
import RxTesting
import Testing

@testable import RxCore

/// Whole transfers under rxkad between two endpoints, on bad networks and with somebody who tampers on the way.
@Suite struct RxkadTransferTests {
  static let serverKey = SecretBytes([0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF])
  static let sessionKey = SecretBytes([0x13, 0x34, 0x57, 0x79, 0x9B, 0xBC, 0xDF, 0xF1])
  static let clock: @Sendable () -> WallTime = { WallTime(seconds: 1_800_000_000) }

  static func security(_ level: RxkadLevel, keyVersion: UInt32 = 7) throws -> RxkadClientSecurity {
    let ticket = NativeTicket.seal(
      RxkadTicket(
        client: RxPrincipal(name: "alice", cell: ""), sessionKey: sessionKey, starts: 1_799_999_000, ends: 1_800_030_000
      ),
      server: RxPrincipal(name: "afs", cell: ""), key: serverKey)!
    return try RxkadClientSecurity(
      RxkadCredential(keyVersion: keyVersion, sessionKey: sessionKey, ticket: ticket), level: level, clock: clock)
  }

  static func simulation(
    _ level: RxkadLevel, seed: UInt64 = 1, conditions: NetworkConditions = NetworkConditions(delay: .milliseconds(1)),
    jobs: [TransferCaller.Job], parallel: Int = 3
  ) throws -> TransferSimulation {
    let simulation = TransferSimulation(
      conditions: conditions, jobs: jobs, parallel: parallel, seed: seed,
      options: RxCallOptions(deadTime: .seconds(500)), security: try security(level))
    var keys = RxkadServerKeys()
    keys.add(serverKey, version: 7, enctype: 1)
    simulation.server.endpoint.register(RxkadServerSecurity(keys: keys, clock: clock), for: TransferSimulation.service)
    return simulation
  }

  @Test("Streams arrive whole over bad networks at every level", arguments: RxkadLevel.allCases, UInt64(1)...15)
  func transfers(level: RxkadLevel, seed: UInt64) throws {
    var conditions = NetworkConditions(delay: .milliseconds(5))
    conditions.lostPerMille = Int(seed % 4) * 70
    conditions.jitter = .milliseconds(5)
    conditions.duplicatedPerMille = 50
    let jobs = (0..<6).map {
      TransferCaller.Job(id: $0 * 2, requestCount: 20_001 + Int($0) * 977, replyCount: 50_003 - Int($0) * 1409)
    }
    let simulation = try Self.simulation(level, seed: seed, conditions: conditions, jobs: jobs)
    #expect(simulation.run(limit: .seconds(3000)))
    #expect(simulation.caller.problems == [])
    #expect(simulation.caller.completedJobs == 6)
    simulation.expectNothingLeft()
    #expect(simulation.transferService.problems == [])
  }

  @Test("At crypt no run of the plaintext crosses the network")
  func secrecy() throws {
    let simulation = try Self.simulation(
      .crypt, jobs: [TransferCaller.Job(id: 4, requestCount: 20_000, replyCount: 20_000)])
    var plain = [UInt8](repeating: 0, count: 20_000)
    plain.withUnsafeMutableBytes { Pattern(id: 4).fill($0, from: 0) }
    let needle = Array(plain[5000..<5008])
    var found = 0
    simulation.network.trace = { datagram, _, _ in
      let bytes = Array(datagram)
      guard bytes.count >= needle.count else { return }
      for start in 0...(bytes.count - needle.count) where bytes[start] == needle[0] {
        if Array(bytes[start..<(start + needle.count)]) == needle { found += 1 }
      }
    }
    #expect(simulation.run(limit: .seconds(10)))
    #expect(simulation.caller.completedJobs == 1)
    #expect(found == 0)
  }

  /// Lets somebody on the way replace the first DATA packet of the server's that `pick` wants.
  static func tampering(
    _ level: RxkadLevel, _ change: @escaping (inout [UInt8]) -> Void
  ) throws -> (TransferSimulation, forged: () -> Int) {
    let simulation = try simulation(
      level, jobs: [TransferCaller.Job(id: 1, requestCount: 10, replyCount: 30_000)], parallel: 1)
    let network = simulation.network
    nonisolated(unsafe) var forged = 0
    network.trace = { datagram, path, _ in
      guard forged == 0, path.source == TransferSimulation.serverAddress,
        datagram[20] == PacketType.data.rawValue
      else { return }
      forged += 1
      var bytes = [UInt8](datagram)
      change(&bytes)
      network.inject(bytes, from: path.source, to: path.destination)
    }
    return (simulation, { forged })
  }

  @Test(
    "A changed packet ends the connection with RXKADSEALEDINCON, and none of its bytes is read",
    arguments: [
      RxkadLevel.auth, .crypt,
    ])
  func modified(level: RxkadLevel) throws {
    let (simulation, forged) = try Self.tampering(level) { $0[28] ^= 1 }
    #expect(simulation.run(limit: .seconds(10)))
    let refusal = simulation.client.endpoint.nextSecurityRefusal()
    #expect(refusal?.peer == TransferSimulation.serverAddress)
    #expect(refusal?.code == .rxkadSealedInconsistent)
    #expect(simulation.client.endpoint.nextSecurityRefusal() == nil)
    #expect(forged() == 1)
    #expect(simulation.caller.completions == [.failure(.abortedLocally(.rxkadSealedInconsistent))])
    #expect(simulation.caller.problems == [])
  }

  @Test("A packet cut short ends the connection", arguments: [RxkadLevel.auth, .crypt])
  func truncated(level: RxkadLevel) throws {
    let (simulation, _) = try Self.tampering(level) { $0.removeLast(4) }
    #expect(simulation.run(limit: .seconds(10)))
    guard case .failure(.abortedLocally(let code)) = simulation.caller.completions.first else {
      Issue.record("\(simulation.caller.completions)")
      return
    }
    #expect(code == .rxkadSealedInconsistent || code == .rxkadDataLength)
  }

  @Test("A packet under another seq, call or channel is refused at every level", arguments: RxkadLevel.allCases)
  func replayed(level: RxkadLevel) throws {
    let (simulation, _) = try Self.tampering(level) { bytes in
      // The first packet again as the second.
      bytes[15] += 1
    }
    #expect(simulation.run(limit: .seconds(10)))
    #expect(simulation.caller.completions == [.failure(.abortedLocally(.rxkadSealedInconsistent))])
  }

  @Test("A packet under another connection's id goes nowhere", arguments: RxkadLevel.allCases)
  func otherConnection(level: RxkadLevel) throws {
    let (simulation, forged) = try Self.tampering(level) { $0[6] ^= 1 }
    #expect(simulation.run(limit: .seconds(10)))
    #expect(forged() == 1)
    #expect(simulation.caller.completions == [.success])
    #expect(simulation.caller.problems == [])
  }

  @Test("A packet without the security index of its connection is dropped")
  func withoutSecurity() throws {
    let (simulation, _) = try Self.tampering(.crypt) { $0[23] = 0 }
    #expect(simulation.run(limit: .seconds(10)))
    #expect(simulation.caller.completions == [.success])
  }

  @Test("A forged abort ends a call: rxkad does not protect aborts")
  func forgedAbort() throws {
    let (simulation, _) = try Self.tampering(.crypt) { bytes in
      bytes[20] = PacketType.abort.rawValue
      bytes.replaceSubrange(28..., with: [0xFF, 0xFF, 0xFF, 0xFB])
    }
    #expect(simulation.run(limit: .seconds(10)))
    #expect(simulation.caller.completions == [.failure(.aborted(AbortCode(-5)))])
  }

  @Test("A replayed response changes nothing; one for another challenge is refused")
  func replayedResponse() throws {
    let simulation = try Self.simulation(
      .crypt, jobs: (0..<4).map { TransferCaller.Job(id: $0 * 2, requestCount: 10, replyCount: 3000) }, parallel: 1)
    let network = simulation.network
    var responses = 0
    network.trace = { datagram, path, _ in
      guard datagram[20] == PacketType.response.rawValue, responses < 3 else { return }
      responses += 1
      network.inject([UInt8](datagram), from: path.source, to: path.destination)
    }
    #expect(simulation.run(limit: .seconds(10)))
    #expect(responses >= 1)
    #expect(simulation.caller.completions == [.success, .success, .success, .success])
  }

  @Test(
    "A connection that the server does not know is asked who it is in the way of its first packet",
    arguments: [true, false])
  func askedInItsWay(hasChecksum: Bool) throws {
    let dialogue = PacketDialogue.serving()
    var keys = RxkadServerKeys()
    keys.add(Self.serverKey, version: 7, enctype: 1)
    dialogue.endpoint.register(RxkadServerSecurity(keys: keys, clock: Self.clock), for: PacketDialogue.service)
    var header = dialogue.peerHeader(.data, seq: 1, flags: .lastPacket)
    header.securityIndex = 2
    header.callNumber = CallNumber(9)
    header.checksum = hasChecksum ? 5 : 0
    dialogue.peerSends(header, [1, 2, 3, 4, 5])
    let sent = dialogue.sent()
    #expect(sent.map(\.type) == [.challenge])
    #expect(sent.first?.body.count == (hasChecksum ? 16 : 8))
    #expect(dialogue.takeEvents() == [])
  }
}
