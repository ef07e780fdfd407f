import AFSBase
import AFSTypes
import RxCore

/// One run of two endpoints on virtual time under everything that its seed picked, and what was wrong with it.
public struct SwarmRun {
  /// Rules broken; empty for a good run.
  public private(set) var violations: [String] = []
  /// Calls that ended well, and all of them.
  public private(set) var succeeded = 0
  public private(set) var calls = 0
  public private(set) var datagrams = 0
  /// Virtual time until the last call had ended.
  public private(set) var duration: Duration = .zero

  private let seed: UInt64
  private let ledger: SwarmLedger
  private let network: SimulatedNetwork
  private let nodes: [SwarmNode]
  private let hosts: [SimulatedHost]
  private var blackouts: [(side: Int, end: MonotonicTime)] = []

  /// Long enough for what a plan picks: a slow stream over a bad path, and the dead time of a peer behind it.
  private static let timeLimit: Duration = .seconds(20_000)
  private static let stepLimit = 3_000_000

  public init(seed: UInt64, trace: Bool = false) {
    self.seed = seed
    let plan = SwarmPlan(seed: seed)
    ledger = SwarmLedger(plan: plan)
    network = SimulatedNetwork(conditions: NetworkConditions(), seed: seed &+ 3)
    var nodes: [SwarmNode] = []
    var hosts: [SimulatedHost] = []
    for side in 0..<2 {
      let node = SwarmNode(side: side, ledger: ledger, peer: plan.addresses[1 - side])
      let host = network.addHost(
        plan.addresses[side], configuration: plan.configurations[side], seed: seed &* 2 &+ UInt64(side), behaviour: node
      )
      Self.equip(host)
      nodes.append(node)
      hosts.append(host)
      network.paths[plan.path(from: side)] = plan.conditions[side]
    }
    (self.nodes, self.hosts) = (nodes, hosts)
    if trace { network.trace = { SwarmTrace.print($0, $1, $2) } }
    run()
  }

  /// Services and credentials of a fresh endpoint.
  private static func equip(_ host: SimulatedHost) {
    for service in SwarmNode.services {
      host.endpoint.register(service: service, checksReachability: service == SwarmNode.services[1])
      host.endpoint.register(SwarmSecurity(), for: service)
    }
    host.endpoint.register(SwarmSecurity(callsMax: 40), as: SwarmNode.securityReference)
  }

  /// The kinds of trouble that the seed picked, in a few words.
  public var trouble: String { Self.trouble(in: ledger.plan) }

  /// The same for a seed that has not run.
  public static func trouble(of seed: UInt64) -> String { trouble(in: SwarmPlan(seed: seed)) }

  private static func trouble(in plan: SwarmPlan) -> String {
    var words: [String] = []
    if plan.isIPv6 { words.append("IPv6") }
    if plan.blackHole > 0 { words.append("black hole \(plan.blackHole)") }
    if plan.corruption != .none { words.append("corruption \(plan.corruption)") }
    if plan.conditions.contains(where: { $0.lostPerMille > 0 }) {
      words.append("loss \(plan.conditions.map(\.lostPerMille))")
    }
    for event in plan.events { words.append("\(event.accident)") }
    return words.joined(separator: ", ")
  }

  /// What the seed picked.
  public var plan: String {
    var text = ""
    let plan = ledger.plan
    dump(plan.conditions, to: &text)
    text += "corruption \(plan.corruption), black hole \(plan.blackHole), IPv6 \(plan.isIPv6), "
    text += "dead time \(plan.deadTime)\n"
    for event in plan.events { text += "\(event.time.nanoseconds / 1_000_000) ms: \(event.accident)\n" }
    for configuration in plan.configurations { text += "\(configuration)\n" }
    for job in plan.jobs { text += "\(job)\n  \(ledger.completions[job.id].map { "\($0)" } ?? "not ended")\n" }
    return text
  }

  // MARK: Running

  private mutating func run() {
    var events = ledger.plan.events[...]
    var steps = 0
    while steps < Self.stepLimit, network.now < .zero + Self.timeLimit {
      while let event = events.first, event.time <= network.now {
        events.removeFirst()
        happen(event.accident)
      }
      endBlackouts()
      if ledger.isDone, events.isEmpty { break }
      if steps % 64 == 0 { checkBounds() }
      guard network.step(until: nextAccident(events)) else { break }
      steps += 1
    }
    duration = network.now - .zero
    if !ledger.isDone { violate("after \(duration) and \(steps) steps calls \(ledger.unfinished) have not ended") }
    finish()
  }

  private func nextAccident(_ events: ArraySlice<SwarmPlan.Event>) -> MonotonicTime {
    let times = blackouts.map(\.end) + (events.first.map { [$0.time] } ?? [])
    return times.min() ?? .distantFuture
  }

  private mutating func violate(_ text: String) { violations.append(text) }

  private mutating func happen(_ accident: SwarmPlan.Accident) {
    switch accident {
    case .blackout(let side, let duration):
      network.paths[ledger.plan.path(from: side)]?.lostPerMille = 1000
      blackouts.append((side, network.now + duration))
    case .restart(let side): restart(side)
    case .freeze(let side, let duration): hosts[side].freeze(until: network.now + duration)
    case .leap(let side, let duration): hosts[side].leap(duration)
    case .networkError(let side):
      hosts[side].endpoint.receivedNetworkError(
        SwarmNode.networkErrno, from: ledger.plan.addresses[1 - side], now: hosts[side].time(network.now))
    }
  }

  private mutating func restart(_ side: Int) {
    ledger.restarts[side] += 1
    nodes[side].restart()
    hosts[side].restart(
      with: RxEndpoint(
        configuration: ledger.plan.configurations[side],
        seed: seed &* 1000 &+ UInt64(ledger.restarts[0] * 10 + ledger.restarts[1] * 100 + side),
        now: hosts[side].time(network.now)))
    Self.equip(hosts[side])
  }

  private mutating func endBlackouts() {
    let over = blackouts.filter { $0.end <= network.now }
    guard !over.isEmpty else { return }
    blackouts.removeAll { $0.end <= network.now }
    for side in over.map(\.side) where !blackouts.contains(where: { $0.side == side }) {
      network.paths[ledger.plan.path(from: side)] = ledger.plan.conditions[side]
    }
  }

  // MARK: Rules

  /// Memory and queues are bounded by what is under way.
  private mutating func checkBounds() {
    guard violations.isEmpty else { return }
    for side in 0..<2 {
      let census = hosts[side].endpoint.census
      let plan = ledger.plan.configurations[side]
      let known = nodes[side].outgoing.count + nodes[side].incoming.count
      if census.calls > known + plan.halfOpenCallsMax + 40 { violate("\(census.calls) calls, \(known) known") }
      let perCall = plan.receiveWindow + plan.transmitWindow + 3
      if census.blocksInUse > census.calls * perCall {
        violate("\(census.blocksInUse) blocks of \(census.calls) calls")
      }
      if census.serverConnections > plan.serverConnectionsMax { violate("\(census.serverConnections) connections") }
      if census.peers > 2 + census.serverConnections { violate("\(census.peers) peers") }
    }
  }

  /// After all calls and all idle times nothing is left.
  private mutating func finish() {
    violations += ledger.violations
    calls = ledger.plan.jobs.count
    succeeded = ledger.completions.values.count { $0 == .success }
    datagrams = network.datagramsSent
    for side in 0..<2 { network.paths[ledger.plan.path(from: side)] = NetworkConditions(delay: .milliseconds(1)) }
    guard violations.isEmpty else { return }
    var steps = 0
    while steps < 300_000, network.step() { steps += 1 }
    violations += ledger.violations
    for side in 0..<2 {
      let census = hosts[side].endpoint.census
      if census != RxEndpointCensus() || hosts[side].endpoint.nextTimeout != nil {
        violate("host \(side) has left \(census), timeout \(String(describing: hosts[side].endpoint.nextTimeout))")
      }
      if !nodes[side].incoming.isEmpty { violate("host \(side) has calls that its endpoint does not know") }
    }
    checkDeliveries()
  }

  /// Where nothing but the network was in the way, the server knows of its client's success.
  private mutating func checkDeliveries() {
    guard !ledger.plan.hasSilence, ledger.plan.corruption != .unfound else { return }
    for (id, completion) in ledger.completions where completion == .success && !ledger.delivered.contains(id) {
      // If the last ack is lost and what came from its client is used up, the server can neither repeat the reply nor ask.
      if ledger.unaskable.contains(id) { continue }
      violate("call \(id) succeeded, but its server heard otherwise")
    }
  }
}
