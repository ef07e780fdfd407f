import AFSBase
import AFSTypes
import Foundation
import RxTesting
import Testing

@testable import RxCore

/// Two endpoints, a bad network, and what must hold whatever it does.
struct TransferSimulation {
  static let service = ServiceID(42)
  static let clientAddress = RxAddress(ipv4: 0x0A00_0001, port: 7001)
  static let serverAddress = RxAddress(ipv4: 0x0A00_0002, port: 7000)

  let network: SimulatedNetwork
  let caller: TransferCaller
  let transferService = TransferService()
  let client: SimulatedHost
  let server: SimulatedHost

  init(
    conditions: NetworkConditions, jobs: [TransferCaller.Job], parallel: Int, seed: UInt64,
    options: RxCallOptions = RxCallOptions(), configuration: RxEndpointConfiguration = RxEndpointConfiguration(),
    security: (any RxClientSecurity)? = nil
  ) {
    network = SimulatedNetwork(conditions: conditions, seed: seed)
    var configuration = configuration
    configuration.trustsAddresses = true
    let reference = security == nil ? RxClientSecurityReference.none : RxClientSecurityReference(rawValue: 77)
    caller = TransferCaller(
      target: RxTarget(peer: Self.serverAddress, service: Self.service, security: reference), jobs: jobs,
      parallel: parallel, options: options)
    client = network.addHost(Self.clientAddress, configuration: configuration, seed: seed &+ 1, behaviour: caller)
    server = network.addHost(
      Self.serverAddress, configuration: configuration, seed: seed &+ 2, behaviour: transferService)
    server.endpoint.register(service: Self.service)
    if let security { client.endpoint.register(security, as: reference) }
  }

  func run(limit: Duration) -> Bool {
    caller.begin(on: &client.endpoint, now: network.now)
    return network.run(limit: limit) { caller.isDone }
  }

  /// Runs until nothing is left to happen, then looks for what should be gone.
  func expectNothingLeft() {
    #expect(network.run(limit: .seconds(10_000)) { false } == false)
    for host in [client, server] {
      #expect(host.endpoint.calls.count == 0)
      #expect(host.endpoint.connections.count == 0)
      #expect(host.endpoint.peers.count == 0)
      #expect(host.endpoint.peersByAddress.isEmpty)
      #expect(host.endpoint.idlePeers.isEmpty)
      #expect(host.endpoint.clientConnections.isEmpty)
      #expect(host.endpoint.serverConnections.isEmpty)
      #expect(host.endpoint.availableConnections.isEmpty)
      #expect(host.endpoint.callTimers.isEmpty)
      #expect(host.endpoint.connectionTimers.isEmpty)
      #expect(host.endpoint.waitingCalls == 0)
      #expect(host.endpoint.halfOpenCalls == 0)
      #expect(host.endpoint.nextTimeout == nil)
    }
  }
}

@Suite struct TransferTests {
  @Test("One call over a clean network") func cleanCall() {
    let simulation = TransferSimulation(
      conditions: NetworkConditions(delay: .milliseconds(1)),
      jobs: [TransferCaller.Job(id: 1, requestCount: 100, replyCount: 200)], parallel: 1, seed: 1)
    #expect(simulation.run(limit: .seconds(10)))
    #expect(simulation.caller.completions == [.success])
    #expect(simulation.network.now.nanoseconds == 2_000_000)
    #expect(simulation.caller.problems == [])
    simulation.expectNothingLeft()
    #expect(simulation.transferService.completions == [.success])
    #expect(simulation.transferService.problems == [])
    #expect(simulation.network.datagramsSent == 3)
  }

  /// The network and the load that a seed picks.
  static func simulation(seed: UInt64, deadTime: Duration = .seconds(500)) -> TransferSimulation {
    var generator = SeededGenerator(seed: seed)
    var conditions = NetworkConditions(delay: .microseconds(Int64.random(in: 50...50_000, using: &generator)))
    if Bool.random(using: &generator) {
      conditions.jitter = .microseconds(Int64.random(in: 0...20_000, using: &generator))
    }
    if Bool.random(using: &generator) { conditions.lostPerMille = Int.random(in: 0...300, using: &generator) }
    if Bool.random(using: &generator) { conditions.duplicatedPerMille = Int.random(in: 0...200, using: &generator) }
    let jobs = (0..<Int.random(in: 1...12, using: &generator)).map { number in
      let sizes = (0..<2).map { _ in
        Bool.random(using: &generator)
          ? Int.random(in: 0...3000, using: &generator) : Int.random(in: 0...300_000, using: &generator)
      }
      return TransferCaller.Job(id: UInt64(number) * 10 &+ seed, requestCount: sizes[0], replyCount: sizes[1])
    }
    var configuration = RxEndpointConfiguration()
    if Int.random(in: 0..<4, using: &generator) == 0 {
      configuration.receiveWindow = Int.random(in: 1...64, using: &generator)
      configuration.transmitWindow = Int.random(in: 1...64, using: &generator)
    }
    return TransferSimulation(
      conditions: conditions, jobs: jobs, parallel: Int.random(in: 1...8, using: &generator), seed: seed,
      options: RxCallOptions(deadTime: deadTime), configuration: configuration)
  }

  /// RX_SEEDS asks for more runs than the usual ones.
  static let seeds = 1...(ProcessInfo.processInfo.environment["RX_SEEDS"].flatMap { UInt64($0) } ?? 100)

  @Test("Every byte arrives once and in order, every call ends once", arguments: seeds)
  func swarm(seed: UInt64) {
    let simulation = Self.simulation(seed: seed)
    #expect(simulation.run(limit: .seconds(3000)))
    #expect(simulation.caller.problems == [])
    #expect(simulation.caller.completions.allSatisfy { $0 == .success })
    simulation.expectNothingLeft()
    #expect(simulation.transferService.problems == [])
    #expect(simulation.transferService.openCalls == 0)
    #expect(simulation.transferService.completions.allSatisfy { $0 == .success })
    #expect(simulation.transferService.completions.count == simulation.caller.completions.count)
  }

  @Test("Calls survive blackouts shorter than the dead time, in either direction", arguments: UInt64(1)...30)
  func blackouts(seed: UInt64) {
    let simulation = Self.simulation(seed: seed)
    var generator = SeededGenerator(seed: seed &+ 1000)
    var ends: [(start: MonotonicTime, end: MonotonicTime, path: SimulatedNetwork.Path)] = []
    for _ in 0..<4 {
      let start = MonotonicTime(nanoseconds: Int64.random(in: 0...3_000_000_000, using: &generator))
      let isForth = Bool.random(using: &generator)
      let addresses = [TransferSimulation.clientAddress, TransferSimulation.serverAddress]
      ends.append(
        (
          start, start + .milliseconds(Int64.random(in: 1...8_000, using: &generator)),
          SimulatedNetwork.Path(from: addresses[isForth ? 0 : 1], to: addresses[isForth ? 1 : 0])
        ))
    }
    var dark = simulation.network.conditions
    dark.lostPerMille = 1000
    simulation.caller.begin(on: &simulation.client.endpoint, now: simulation.network.now)
    let isDone = simulation.network.run(limit: .seconds(3000)) {
      let now = simulation.network.now
      simulation.network.paths = [:]
      for end in ends where end.start <= now && now < end.end { simulation.network.paths[end.path] = dark }
      return simulation.caller.isDone
    }
    #expect(isDone)
    #expect(simulation.caller.problems == [])
    #expect(simulation.caller.completions.allSatisfy { $0 == .success })
  }

  @Test(
    "When the server is started anew, its calls end within the dead time and new ones succeed",
    arguments: UInt64(1)...30)
  func restart(seed: UInt64) {
    let simulation = Self.simulation(seed: seed, deadTime: .seconds(20))
    var generator = SeededGenerator(seed: seed &+ 2000)
    var restarts = (0..<2).map { _ in
      MonotonicTime(nanoseconds: Int64.random(in: 0...2_000_000_000, using: &generator))
    }.sorted()
    simulation.caller.begin(on: &simulation.client.endpoint, now: simulation.network.now)
    let isDone = simulation.network.run(limit: .seconds(3000)) {
      if let next = restarts.first, next <= simulation.network.now {
        restarts.removeFirst()
        simulation.transferService.restart()
        simulation.server.endpoint = RxEndpoint(
          configuration: RxEndpointConfiguration(), seed: seed &+ UInt64(restarts.count) &+ 77,
          now: simulation.network.now)
        simulation.server.endpoint.register(service: TransferSimulation.service)
      }
      return simulation.caller.isDone && restarts.isEmpty
    }
    #expect(isDone)
    #expect(simulation.caller.problems == [])
    let failures = simulation.caller.completions.filter { $0 != .success }
    #expect(failures.allSatisfy { $0 == .failure(.timedOut(.dead)) || $0 == .failure(.aborted(.rxUserAbort)) })
    simulation.expectNothingLeft()
  }

  @Test("When the peer vanishes, every call ends with the dead time", arguments: UInt64(1)...10)
  func vanished(seed: UInt64) {
    let simulation = Self.simulation(seed: seed, deadTime: .seconds(20))
    simulation.caller.begin(on: &simulation.client.endpoint, now: simulation.network.now)
    let isDone = simulation.network.run(limit: .seconds(3000)) {
      if simulation.network.now.nanoseconds > 100_000_000 { simulation.network.conditions.lostPerMille = 1000 }
      return simulation.caller.isDone
    }
    #expect(isDone)
    #expect(simulation.caller.completions.allSatisfy { $0 == .success || $0 == .failure(.timedOut(.dead)) })
    simulation.expectNothingLeft()
    #expect(simulation.transferService.openCalls == 0)
  }
}
