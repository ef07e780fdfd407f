import AFSBase
import AFSTypes
import RxCore

/// What one seed picks: a network, its accidents, two configurations and the calls of both sides.
///
/// Swarm testing (Groce et al., ISSTA 2012): each seed first switches most kinds of trouble off and then goes far with
/// the others, so that combinations occur which an even mixture would never reach.
struct SwarmPlan {
  /// What the network does to bytes.
  enum Corruption: Equatable {
    case none
    /// UDP's checksum finds it: the datagram is lost.
    case found
    /// It passes: any bit of header or body is wrong. Without a security class nothing protects the streams then, and
    /// what must hold is that no call outlives its deadline, nothing traps and nothing is left.
    case unfound
  }

  enum Accident: Equatable {
    /// Nothing passes from this host to the other for so long.
    case blackout(from: Int, Duration)
    /// The process is started anew with the same port.
    case restart(Int)
    /// The process does not run for so long; datagrams wait in its socket, as far as that has room.
    case freeze(Int, Duration)
    /// The machine slept: its clock leaps forward.
    case leap(Int, Duration)
    /// The host's socket reports an ICMP error about the other.
    case networkError(Int)
  }

  struct Event {
    var time: MonotonicTime
    var accident: Accident
  }

  var conditions: [NetworkConditions] = [NetworkConditions(), NetworkConditions()]
  var corruption = Corruption.none
  var configurations = [RxEndpointConfiguration(), RxEndpointConfiguration()]
  var events: [Event] = []
  var jobs: [SwarmJob] = []
  var deadTime: Duration = .seconds(500)
  /// Datagrams longer than this vanish (0: none do).
  var blackHole = 0
  /// The hosts have IPv6 addresses: no fragments pass, and 1280 bytes do (RFC 8200 section 5).
  var isIPv6 = false

  var addresses: [RxAddress] { isIPv6 ? Self.addressesIPv6 : Self.addressesIPv4 }

  func path(from side: Int) -> SimulatedNetwork.Path {
    SimulatedNetwork.Path(from: addresses[side], to: addresses[1 - side])
  }

  private static let addressesIPv4 = [
    RxAddress(ipv4: 0x0A00_0001, port: 7001), RxAddress(ipv4: 0x0A00_0002, port: 7000),
  ]
  private static let addressesIPv6 = [
    RxAddress(high: 0xFD00_0000_0000_0000, low: 1, port: 7001),
    RxAddress(high: 0xFD00_0000_0000_0000, low: 2, port: 7000),
  ]

  /// Peers fall silent or lose calls, so that calls may end for it.
  var hasSilence: Bool { !events.isEmpty }
  var hasRestarts: Bool {
    events.contains { if case .restart = $0.accident { true } else { false } }
  }
  var hasNetworkErrors: Bool {
    events.contains { if case .networkError = $0.accident { true } else { false } }
  }

  init(seed: UInt64) {
    var dice = SwarmDice(seed: seed)
    pickNetwork(&dice)
    pickConfigurations(&dice)
    pickAccidents(&dice)
    pickJobs(&dice)
    // What came later has dice of its own, so that the seeds of before still mean what they meant.
    var laterDice = SwarmDice(seed: seed &+ 0x1A7E)
    pickMore(&laterDice)
    if seed >= Self.firstSeedOfAll {
      var latestDice = SwarmDice(seed: seed &+ 0x9B0)
      pickMost(&latestDice)
    }
    if seed >= Self.firstSeedWithIPv6 {
      var dice = SwarmDice(seed: seed &+ 0x1B6)
      if dice.chance(2) { pickIPv6(&dice) }
    }
  }

  /// Seeds from here on pick jumbograms and idle times, too.
  static let firstSeedOfAll: UInt64 = 20_000_000
  /// And from here on IPv6.
  static let firstSeedWithIPv6: UInt64 = 70_000_000

  private mutating func pickIPv6(_ dice: inout SwarmDice) {
    isIPv6 = true
    // 40 and 8 bytes of the packet are IP's and UDP's.
    if dice.chance(3) { blackHole = dice.in(1280 - 48...1440) }
    blackHole = blackHole > 0 ? max(blackHole, 1280 - 48) : 0
    for side in 0..<2 {
      if blackHole > 0 { conditions[side].datagramByteCountMax = blackHole }
      conditions[side].fragmentsPass = false
    }
  }

  private mutating func pickMost(_ dice: inout SwarmDice) {
    let hasJumbograms = dice.chance(3)
    let hasIdleTimes = dice.chance(4)
    for side in 0..<2 {
      if hasJumbograms {
        configurations[side].jumboTransmitMax = dice.in(1...8)
        configurations[side].jumboReceiveMax = dice.in(1...8)
      }
      if hasIdleTimes { configurations[side].peerIdleTime = .milliseconds(dice.in(0...20_000)) }
    }
  }

  private mutating func pickMore(_ dice: inout SwarmDice) {
    if dice.chance(5) { for index in jobs.indices where dice.chance(2) { jobs[index].isExclusive = true } }
    for side in 0..<2 {
      if dice.chance(8) { configurations[side].callsOnTrustMax = dice.in(0...2) }
      if dice.chance(6) { configurations[side].trustsAddresses = true }
      if dice.chance(3) { configurations[side].connectionsPerTargetMax = dice.in(1...3) }
      if dice.chance(6) { configurations[side].greetingCallsMax = dice.chance(2) ? dice.in(1...2) : 1000 }
    }
  }

  // MARK: Network

  private mutating func pickNetwork(_ dice: inout SwarmDice) {
    let delay: Duration =
      switch dice.below(4) {
      case 0: .microseconds(dice.in(20...500))
      case 1: .milliseconds(dice.in(1...20))
      case 2: .milliseconds(dice.in(20...100))
      default: .milliseconds(dice.in(100...600))
      }
    let jitter: Duration? = dice.chance(2) ? .microseconds(dice.in(1...(dice.chance(2) ? 2000 : 60_000))) : nil
    let loss = dice.chance(2) ? dice.in(1...(dice.chance(3) ? 300 : 50)) : 0
    let duplication = dice.chance(3) ? dice.in(1...200) : 0
    let corrupted = dice.chance(5) ? dice.in(1...100) : 0
    if corrupted > 0 { corruption = dice.chance(2) ? .found : .unfound }
    if dice.chance(8) { blackHole = dice.in(604...1440) }
    let fragmentsPass = dice.chance(2)
    let bandwidth = dice.chance(6) ? dice.in(20_000...2_000_000) : nil
    let isOneSided = dice.chance(4)
    for side in 0..<2 {
      conditions[side].delay = delay
      conditions[side].jitter = jitter ?? .zero
      conditions[side].bandwidth = bandwidth
      conditions[side].queueByteCountMax = bandwidth.map { max(6000, $0 / 4) } ?? 1 << 18
      if blackHole > 0 { conditions[side].datagramByteCountMax = blackHole }
      conditions[side].fragmentsPass = fragmentsPass
      if isOneSided, side == 1 { continue }
      conditions[side].lostPerMille = corruption == .found ? min(loss + corrupted, 300) : loss
      conditions[side].duplicatedPerMille = duplication
      if corruption == .unfound { conditions[side].corruptedPerMille = corrupted }
    }
    if dice.chance(4) { deadTime = .seconds(50) }
  }

  private mutating func pickConfigurations(_ dice: inout SwarmDice) {
    for side in 0..<2 {
      if dice.chance(4) {
        configurations[side].receiveWindow = dice.in(1...64)
        configurations[side].transmitWindow = dice.in(1...64)
      }
      if dice.chance(8) { configurations[side].acceptQueueDepth = dice.in(1...3) }
      if dice.chance(8) { configurations[side].payloadMax = dice.in(64...1536) }
      if dice.chance(8) { configurations[side].connectionIdleTime = .milliseconds(dice.in(1...3000)) }
      if dice.chance(10) { configurations[side].halfOpenCallsMax = dice.in(1...4) }
      if dice.chance(10) { configurations[side].serverConnectionsMax = dice.in(6...20) }
    }
  }

  // MARK: Accidents

  private mutating func pickAccidents(_ dice: inout SwarmDice) {
    guard dice.chance(3) else { return }
    var kinds: [Int] = (0..<5).filter { _ in dice.chance(3) }
    if kinds.isEmpty { kinds = [dice.below(5)] }
    for _ in 0..<dice.in(1...5) {
      let time = MonotonicTime.zero + .milliseconds(dice.in(0...(dice.chance(2) ? 2000 : 20_000)))
      let side = dice.below(2)
      let length: Duration = .milliseconds(dice.in(1...(dice.chance(4) ? 90_000 : 8000)))
      let accident: Accident =
        switch kinds[dice.below(kinds.count)] {
        case 0: .blackout(from: side, length)
        case 1: .restart(side)
        case 2: .freeze(side, length)
        case 3: .leap(side, length)
        default: .networkError(side)
        }
      events.append(Event(time: time, accident: accident))
    }
    events.sort { $0.time < $1.time }
  }

  // MARK: Calls

  private mutating func pickJobs(_ dice: inout SwarmDice) {
    let isBothWays = dice.chance(2)
    let mayCancel = dice.chance(3)
    let mayAbort = dice.chance(3)
    let hasDeadlines = dice.chance(3) || corruption == .unfound
    let isSlow = dice.chance(3)
    let isSecure = dice.chance(3)
    let isSpread = dice.chance(2)
    let sizeMax = dice.chance(3) ? 150_000 : dice.chance(2) ? 30_000 : 3000
    var budget = 400_000
    for number in 0..<dice.in(1...(dice.chance(4) ? 40 : 10)) {
      var job = SwarmJob(id: UInt64(number), side: isBothWays ? dice.below(2) : 0)
      job.requestCount = dice.size(upTo: min(sizeMax, budget))
      job.replyCount = dice.size(upTo: min(sizeMax, budget))
      budget = max(2000, budget - job.requestCount - job.replyCount)
      job.service = SwarmNode.services[dice.below(SwarmNode.services.count)]
      job.isSecure = isSecure && dice.chance(2)
      if isSpread { job.start = .milliseconds(dice.in(0...(dice.chance(3) ? 30_000 : 1000))) }
      job.deadTime = deadTime
      if hasDeadlines, corruption == .unfound || dice.chance(2) {
        job.deadline = .milliseconds(dice.in(1...(dice.chance(2) ? 60_000 : 1500)))
      }
      if mayCancel, dice.chance(3) { job.cancelAfter = .milliseconds(dice.in(0...2000)) }
      if isSlow { job.pickSlowness(&dice) }
      if mayAbort, dice.chance(3) { job.abortAfterBytes = dice.in(0...(job.requestCount + job.replyCount)) }
      if dice.chance(30) { job.service = SwarmNode.unknownService }
      jobs.append(job)
    }
  }
}

/// One call: what its client does, and what its server will do about it.
struct SwarmJob {
  var id: UInt64
  /// Which host calls the other.
  var side: Int
  var service = ServiceID(1)
  var isSecure = false
  var requestCount = 0
  var replyCount = 0
  var isExclusive = false
  /// When it begins, after the run's beginning.
  var start: Duration = .zero
  var deadline: Duration?
  var deadTime: Duration = .seconds(500)
  var cancelAfter: Duration?
  /// The client reads so much at a time, and then rests.
  var readChunk = Int.max
  var readRest: Duration = .zero
  /// The same for the server.
  var serverReadChunk = Int.max
  var serverReadRest: Duration = .zero
  /// How long the server works on a request.
  var workTime: Duration = .zero
  /// The server replies without having read the request to its end.
  var repliesEarly = false
  /// The server aborts once it has read and written so many bytes.
  var abortAfterBytes: Int?

  init(id: UInt64, side: Int) {
    self.id = id
    self.side = side
  }

  mutating func pickSlowness(_ dice: inout SwarmDice) {
    if dice.chance(2) {
      readChunk = dice.in(500...20_000)
      readRest = .milliseconds(dice.in(1...400))
    }
    if dice.chance(2) {
      serverReadChunk = dice.in(500...20_000)
      serverReadRest = .milliseconds(dice.in(1...400))
    }
    if dice.chance(3) { workTime = .milliseconds(dice.in(1...(dice.chance(5) ? 120_000 : 1500))) }
    repliesEarly = dice.chance(5)
  }
}

/// A seeded generator with the questions that a plan asks.
struct SwarmDice {
  private var generator: SeededGenerator

  init(seed: UInt64) {
    generator = SeededGenerator(seed: seed &* 0x9E37_79B9 &+ 17)
  }

  mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &generator) }
  mutating func `in`(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
  /// True in one of `count` cases.
  mutating func chance(_ count: Int) -> Bool { below(count) == 0 }

  /// Often nothing or little, seldom much.
  mutating func size(upTo most: Int) -> Int {
    switch below(5) {
    case 0: 0
    case 1: below(min(most, 100) + 1)
    case 2: min(most, [1412, 1416, 1417, 1415, 2832, 2800][below(6)])
    default: below(most + 1)
    }
  }
}
