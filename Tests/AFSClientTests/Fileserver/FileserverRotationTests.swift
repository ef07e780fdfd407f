import AFSBase
import AFSTypes
import Glibc
import RxCore
import Testing

@testable import AFSClient

@Suite struct FileserverRotationTests {
  typealias Server = FileserverRotation.Server
  typealias Decision = FileserverRotation.Decision

  static func address(_ number: UInt32) -> RxAddress { RxAddress(ipv4: 0x0A00_0000 + number, port: 7000) }

  /// An address as it is after calls: `roundTrip` nil for one that never answered, `down` nil for one that does.
  static func health(
    _ number: UInt32, roundTrip: Duration? = nil, down: MonotonicTime? = nil, refused: Bool = false
  ) -> AddressHealth {
    var health = AddressHealth(address(number))
    if let roundTrip { health.answered(after: roundTrip, now: .zero) }
    if let down { health.failedToAnswer(refused: refused, now: down) }
    return health
  }

  /// Servers with so many addresses each, numbered from 1 through all of them.
  static func servers(_ counts: Int..., roundTrip: Duration? = nil) -> [Server] {
    var number: UInt32 = 0
    return counts.map { count in
      Server(
        addresses: (0..<count).map { _ in
          number += 1
          return health(number, roundTrip: roundTrip)
        })
    }
  }

  static func use(_ server: Int, _ number: UInt32) -> Decision { .use(server: server, address: address(number)) }

  static func seconds(_ seconds: Double) -> MonotonicTime { .zero + .milliseconds(Int64(seconds * 1000)) }

  /// Goes on until the rotation fails; each use at server `n` ends with `outcomes[n]` after `callTime`.
  struct Run {
    var log: [String] = []
    var pauses: [Duration] = []
    var error: AFSError?
    var now = MonotonicTime.zero
    var uses: [Int] { log.compactMap { Int($0) } }
    var refreshes: Int { log.filter { $0 == "refresh" }.count }

    init(
      _ servers: [Server], isRepeatable: Bool = true, limits: FileserverRotation.Limits = .init(),
      callTime: Duration = .zero, outcomes: [RxCallError]
    ) {
      var rotation = FileserverRotation(servers: servers, isRepeatable: isRepeatable, limits: limits)
      var outcome: RxCallError?
      for _ in 0..<10_000 {
        switch rotation.next(after: outcome, now: now) {
        case .use(let server, _):
          log.append(String(server))
          now = now + callTime
          outcome = outcomes[server]
        case .sleep(let deadline):
          log.append("sleep")
          pauses.append(deadline - now)
          now = deadline
          outcome = nil
        case .refreshVolume:
          log.append("refresh")
          rotation.refreshed(servers: servers)
          outcome = nil
        case .fail(let error):
          self.error = error
          return
        }
      }
      Issue.record("the rotation does not end")
    }
  }

  // MARK: Order

  @Test("The first use is the first server; an answer which no other server could better is final")
  func plain() {
    var rotation = FileserverRotation(servers: Self.servers(1, 1))
    #expect(rotation.next(after: nil, now: .zero) == Self.use(0, 1))
    #expect(rotation.next(after: .aborted(.uae(EACCES)!), now: .zero) == .fail(.accessDenied))
  }

  @Test("Nearer servers come first, by classes of distance; within a server the nearest address")
  func distance() {
    let servers = [
      Server(addresses: [Self.health(1, roundTrip: .milliseconds(90))]),
      Server(addresses: [Self.health(2, roundTrip: .milliseconds(20)), Self.health(3, roundTrip: .microseconds(300))]),
      Server(addresses: [Self.health(4, roundTrip: .microseconds(900))]),
    ]
    var rotation = FileserverRotation(servers: servers)
    var uses: [Decision] = []
    for _ in 0..<4 { uses.append(rotation.next(after: uses.isEmpty ? nil : .timedOut(.dead), now: .zero)) }
    #expect(uses == [Self.use(1, 3), Self.use(1, 2), Self.use(2, 4), Self.use(0, 1)])
  }

  @Test("A server that was never called is tried before a far one, and after a near one")
  func unknown() {
    let far = [Server(addresses: [Self.health(1, roundTrip: .milliseconds(100))]), Server(addresses: [Self.health(2)])]
    var rotation = FileserverRotation(servers: far)
    #expect(rotation.next(after: nil, now: .zero) == Self.use(1, 2))
    let near = [Server(addresses: [Self.health(1)]), Server(addresses: [Self.health(2, roundTrip: .milliseconds(2))])]
    rotation = FileserverRotation(servers: near)
    #expect(rotation.next(after: nil, now: .zero) == Self.use(1, 2))
  }

  @Test("The server that holds our promise comes first though others are nearer, unless it is down")
  func preferred() {
    var servers = [
      Server(addresses: [Self.health(1, roundTrip: .microseconds(100))]),
      Server(addresses: [Self.health(2, roundTrip: .milliseconds(100))]),
    ]
    var rotation = FileserverRotation(servers: servers, preferred: 1)
    #expect(rotation.next(after: nil, now: .zero) == Self.use(1, 2))
    servers[1] = Server(addresses: [Self.health(2, roundTrip: .milliseconds(100), down: .zero)])
    rotation = FileserverRotation(servers: servers, preferred: 1)
    #expect(rotation.next(after: nil, now: .zero) == Self.use(0, 1))
  }

  @Test("While a release is under way, servers with the old copy come after all with the new one")
  func release() {
    let servers = [
      Server(addresses: [Self.health(1, roundTrip: .microseconds(100))], isOutdated: true),
      Server(addresses: [Self.health(2, roundTrip: .milliseconds(100))]),
    ]
    var rotation = FileserverRotation(servers: servers, preferred: 0)
    #expect(rotation.next(after: nil, now: .zero) == Self.use(1, 2))
    #expect(rotation.next(after: .timedOut(.dead), now: .zero) == Self.use(0, 1))
  }

  // MARK: Silence

  @Test("Addresses that are down come last, and not at all when they were tried in the last five seconds")
  func down() {
    let servers = [
      Server(addresses: [Self.health(1, down: .zero), Self.health(2)]),
      Server(addresses: [Self.health(3, down: .zero)]),
    ]
    var rotation = FileserverRotation(servers: servers)
    #expect(rotation.next(after: nil, now: Self.seconds(5)) == Self.use(0, 2))
    #expect(rotation.next(after: .timedOut(.dead), now: Self.seconds(5)) == Self.use(0, 1))
    #expect(rotation.next(after: .timedOut(.dead), now: Self.seconds(5)) == Self.use(1, 3))
    rotation = FileserverRotation(servers: servers)
    #expect(rotation.next(after: nil, now: Self.seconds(4)) == Self.use(0, 2))
    #expect(rotation.next(after: .timedOut(.dead), now: Self.seconds(4)) == .refreshVolume)
  }

  @Test("When all servers are known to be down an operation fails at once, without a question to anybody")
  func allDown() {
    let servers = [
      Server(addresses: [Self.health(1, roundTrip: .milliseconds(1), down: Self.seconds(0))]),
      Server(addresses: [Self.health(2, down: Self.seconds(29))]),
    ]
    var rotation = FileserverRotation(servers: [servers[1]])
    #expect(rotation.next(after: nil, now: Self.seconds(30)) == .fail(.timedOut))
    // The first one was tried half a minute ago: worth another try.
    rotation = FileserverRotation(servers: servers)
    #expect(rotation.next(after: nil, now: Self.seconds(30)) == Self.use(0, 1))
  }

  @Test("A server that never answered: each address, one new location, the error")
  func neverAnswered() {
    let run = Run(Self.servers(2), outcomes: [.unreachable(ECONNREFUSED)])
    #expect(run.log == ["0", "0", "refresh"])
    #expect(run.error == .unreachable)
  }

  @Test("A server that answered before and now refuses is waited for fifteen seconds: it may be restarting")
  func outage() {
    let run = Run(
      Self.servers(1, roundTrip: .milliseconds(1)), callTime: .milliseconds(1), outcomes: [.unreachable(ECONNREFUSED)])
    #expect(run.error == .unreachable)
    #expect(run.refreshes == 1)
    #expect(run.pauses.prefix(3) == [.milliseconds(100), .milliseconds(200), .milliseconds(400)])
    #expect(run.now > Self.seconds(5) && run.now < Self.seconds(16))
  }

  @Test("The wait counts from the server's first refusal, whoever noticed it")
  func outageOfOthers() {
    let refusing = Self.health(1, roundTrip: .milliseconds(1), down: Self.seconds(0), refused: true)
    let servers = [Server(addresses: [refusing])]
    let refusal = RxCallError.unreachable(ECONNREFUSED)
    var rotation = FileserverRotation(servers: servers)
    #expect(rotation.next(after: nil, now: Self.seconds(14.8)) == Self.use(0, 1))
    #expect(rotation.next(after: refusal, now: Self.seconds(14.8)) == .refreshVolume)
    rotation.refreshed(servers: servers)
    #expect(rotation.next(after: nil, now: Self.seconds(14.8)) == .sleep(until: Self.seconds(14.9)))
    #expect(rotation.next(after: nil, now: Self.seconds(14.9)) == Self.use(0, 1))
    #expect(rotation.next(after: refusal, now: Self.seconds(14.9)) == .fail(.unreachable))
  }

  @Test("A silent server is not waited for: its silence was long enough")
  func longSilence() {
    let run = Run(
      Self.servers(2, 1, roundTrip: .milliseconds(1)), callTime: .seconds(12),
      outcomes: [.timedOut(.dead), .timedOut(.dead)])
    #expect(run.log == ["0", "0", "1", "refresh"])
    #expect(run.error == .timedOut)
  }

  @Test("Stored data waits for a server that answered before, a minute from when a call was given up")
  func stores() {
    let servers = Self.servers(1, roundTrip: .milliseconds(1))
    let run = Run(servers, limits: .forStores, callTime: .seconds(4), outcomes: [.timedOut(.dead)])
    #expect(run.log.prefix(4) == ["0", "refresh", "sleep", "0"])
    #expect(run.now > Self.seconds(50) && run.now < Self.seconds(70))
    #expect(Run(Self.servers(1), limits: .forStores, outcomes: [.timedOut(.dead)]).log == ["0", "refresh"])
  }

  @Test("A new location with other servers is used")
  func newServers() {
    var rotation = FileserverRotation(servers: Self.servers(1))
    #expect(rotation.next(after: nil, now: .zero) == Self.use(0, 1))
    #expect(rotation.next(after: .timedOut(.dead), now: .zero) == .refreshVolume)
    rotation.refreshed(servers: Self.servers(1, 1))
    #expect(rotation.next(after: nil, now: .zero) == Self.use(1, 2))
  }

  // MARK: Volumes in trouble

  @Test(
    "A busy volume is asked for at its other servers at once, then again after 0.1 s, doubled, for a minute at most",
    arguments: [AbortCode.vBusy, .vRestarting])
  func busy(code: AbortCode) {
    let run = Run(Self.servers(1, 1), outcomes: [.aborted(code), .aborted(code)])
    #expect(run.pauses.prefix(4) == [.milliseconds(100), .milliseconds(200), .milliseconds(400), .milliseconds(800)])
    #expect(run.pauses.max() == .seconds(5))
    #expect(run.now <= Self.seconds(60) && run.now > Self.seconds(50))
    #expect(run.uses.count == 2 * (run.pauses.count + 1))
    #expect(run.refreshes == 0)
    #expect(run.error == AFSError(code))
  }

  @Test(
    "A volume that its server does not serve now: others, one new location, then waits of a minute in all",
    arguments: [AbortCode.vOffline, .vSalvage, .vSalvaging, .vNoService, .vIO])
  func away(code: AbortCode) {
    let run = Run(Self.servers(2, 1), outcomes: [.aborted(code), .aborted(code)])
    #expect(run.log.prefix(6) == ["0", "1", "refresh", "0", "1", "sleep"])
    #expect(run.refreshes == 1)
    #expect(run.now <= Self.seconds(60) && run.now > Self.seconds(50))
    #expect(run.error == AFSError(code))
  }

  @Test(
    "A volume that is not where it should be is located again at once and after each pause, for three seconds",
    arguments: [AbortCode.vMoved, .vNoVol])
  func missing(code: AbortCode) {
    let run = Run(Self.servers(1), outcomes: [.aborted(code)])
    #expect(run.log.prefix(7) == ["0", "refresh", "0", "sleep", "0", "refresh", "0"])
    #expect(run.now <= Self.seconds(3) && run.now > Self.seconds(1))
    #expect(run.error == .noSuchVolume)
  }

  @Test("A volume that moved is used at its new server")
  func moved() {
    var rotation = FileserverRotation(servers: Self.servers(1))
    _ = rotation.next(after: nil, now: .zero)
    #expect(rotation.next(after: .aborted(.vMoved), now: .zero) == .refreshVolume)
    rotation.refreshed(servers: [Server(addresses: [Self.health(7)])])
    #expect(rotation.next(after: nil, now: .zero) == Self.use(0, 7))
  }

  @Test(
    "Of several servers' errors the one that says most of the volume is reported",
    arguments: [
      ([.aborted(.vOffline), .timedOut(.dead)], .volumeOffline),
      ([.timedOut(.dead), .aborted(.vBusy)], .busy),
      ([.unreachable(EHOSTUNREACH), .timedOut(.dead)], .timedOut),
      ([.aborted(.vNoVol), .unreachable(EHOSTUNREACH)], .noSuchVolume),
      ([.aborted(.vOffline), .aborted(.vNoVol)], .volumeOffline),
      ([.malformedReply("x"), .aborted(.vNoVol)], .corrupt("x")),
    ] as [([RxCallError], AFSError)])
  func precedence(outcomes: [RxCallError], error: AFSError) {
    #expect(Run(Self.servers(1, 1), outcomes: outcomes).error == error)
    #expect(Run(Self.servers(1, 1), outcomes: outcomes.reversed()).error == error)
  }

  @Test(
    "A server that breaks the protocol, or makes no progress, is not asked again at its other addresses",
    arguments: [.malformedReply("x"), .protocolViolation("x"), .timedOut(.idle), .timedOut(.hard), .security("x")]
      as [RxCallError])
  func violation(outcome: RxCallError) {
    var rotation = FileserverRotation(servers: Self.servers(2, 1))
    _ = rotation.next(after: nil, now: .zero)
    #expect(rotation.next(after: outcome, now: .zero) == Self.use(1, 3))
  }

  @Test(
    "The end of the caller's wish ends it",
    arguments: [(.cancelled, .interrupted), (.shutDown, .shutDown)]
      as [(RxCallError, AFSError)])
  func cancelled(outcome: RxCallError, error: AFSError) {
    var rotation = FileserverRotation(servers: Self.servers(2))
    _ = rotation.next(after: nil, now: .zero)
    #expect(rotation.next(after: outcome, now: .zero) == .fail(error))
  }

  @Test("No servers at all: a new location, then no such volume")
  func none() {
    let run = Run([], outcomes: [])
    #expect(run.log == ["refresh"])
    #expect(run.error == .noSuchVolume)
  }

  // MARK: Operations that must not be done twice

  @Test(
    "A creation that the server may have begun is not repeated",
    arguments: [
      (.timedOut(.idle), .timedOut), (.timedOut(.hard), .timedOut), (.aborted(.vNoService), .timedOut),
      (.malformedReply("x"), .corrupt("x")),
    ] as [(RxCallError, AFSError)])
  func notRepeated(outcome: RxCallError, error: AFSError) {
    let run = Run(Self.servers(2, 1), isRepeatable: false, outcomes: [outcome, outcome])
    #expect(run.log == ["0"])
    #expect(run.error == error)
  }

  @Test(
    "A creation that the server refused before it began is repeated", arguments: [AbortCode.vBusy, .vOffline, .vMoved])
  func repeated(code: AbortCode) {
    let run = Run(Self.servers(1, 1), isRepeatable: false, outcomes: [.aborted(code), .aborted(.uae(EEXIST)!)])
    #expect(run.uses.contains(1))
    #expect(run.error == .alreadyExists)
  }

  @Test(
    "After a silent first try an answer that our own doing would explain says nothing",
    arguments: [(EEXIST, .timedOut), (ENOENT, .timedOut), (EACCES, .accessDenied), (EDQUOT, .quotaExceeded)]
      as [(Int32, AFSError)])
  func uncertain(errno: Int32, error: AFSError) {
    let outcomes: [RxCallError] = [.timedOut(.dead), .aborted(.uae(errno)!)]
    #expect(Run(Self.servers(1, 1), isRepeatable: false, outcomes: outcomes).error == error)
    // An address that refuses has not done anything.
    let refused: [RxCallError] = [.unreachable(ECONNREFUSED), .aborted(.uae(EEXIST)!)]
    #expect(Run(Self.servers(1, 1), isRepeatable: false, outcomes: refused).error == .alreadyExists)
  }

  // MARK: Everything at once

  @Test("Whatever servers answer, it ends within the limits", arguments: 1...200 as ClosedRange<UInt64>)
  func random(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let codes: [RxCallError] = [
      .aborted(.vBusy), .aborted(.vOffline), .aborted(.vMoved), .aborted(.vNoVol), .timedOut(.dead), .timedOut(.idle),
      .unreachable(ECONNREFUSED), .malformedReply("x"), .aborted(.rxCallDead), .security("x"),
    ]
    let servers = (0..<Int.random(in: 0..<4, using: &generator)).map { server in
      Server(
        addresses: (0..<Int.random(in: 0..<3, using: &generator)).map { index in
          Self.health(
            UInt32(server * 10 + index), roundTrip: Bool.random(using: &generator) ? .milliseconds(3) : nil,
            down: Int.random(in: 0..<4, using: &generator) == 0 ? .zero : nil)
        })
    }
    var rotation = FileserverRotation(servers: servers, isRepeatable: Bool.random(using: &generator))
    var now = Self.seconds(1)
    var outcome: RxCallError?
    for _ in 0..<2000 {
      switch rotation.next(after: outcome, now: now) {
      case .use(let server, let address):
        #expect(servers[server].addresses.contains { $0.address == address })
        outcome = codes.randomElement(using: &generator)
      case .sleep(let deadline):
        #expect(deadline > now)
        now = deadline
        outcome = nil
      case .refreshVolume:
        rotation.refreshed(servers: servers)
        outcome = nil
      case .fail:
        #expect(now <= Self.seconds(61))
        return
      }
    }
    Issue.record("the rotation does not end")
  }
}
