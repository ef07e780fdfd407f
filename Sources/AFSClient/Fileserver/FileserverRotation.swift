package import AFSBase
import AFSTypes
package import RxCore

/// Which server and address to use next for one operation on a volume, and when to give up: a value without I/O.
///
/// Policy by outcome:
///
/// | Outcome | What follows |
/// |---|---|
/// | VBUSY, VRESTARTING (a clone is made, the server starts, or too many of our calls wait) | other servers, then wait: 0.1 s, doubled up to 5 s |
/// | VOFFLINE, VSALVAGE, VSALVAGING, VNOSERVICE, VIO | other servers; then wait as above, once the volume was located again |
/// | VMOVED, VNOVOL | locate the volume again (twice at most), then other servers |
/// | no answer, unreachable | the server's other addresses, then other servers; then locate again, once |
/// | any other code | the answer |
///
/// The wait for all of it is bounded by `patience`. When several servers failed in different ways, the error that says
/// most about the volume wins (`severity`).
package struct FileserverRotation: Sendable {
  /// A server as a candidate.
  package struct Server: Sendable, Hashable {
    package struct Address: Sendable, Hashable {
      package var address: RxAddress
      package var isDown: Bool
      package var roundTrip: Duration?

      package init(_ address: RxAddress, isDown: Bool = false, roundTrip: Duration? = nil) {
        self.address = address
        self.isDown = isDown
        self.roundTrip = roundTrip
      }
    }

    package var addresses: [Address]

    package init(addresses: [Address]) {
      self.addresses = addresses
    }
  }

  package enum Decision: Sendable, Hashable {
    /// Call this server (by its place in the list) at this address.
    case use(server: Int, address: RxAddress)
    case sleep(until: MonotonicTime)
    case refreshVolume
    case fail(AFSError)
  }

  /// Longest time that an operation waits for a volume to come back.
  package static let patience: Duration = .seconds(60)
  private static let firstPause: Duration = .milliseconds(100)
  private static let longestPause: Duration = .seconds(5)
  private static let refreshesMax = 2

  private var queue: [(server: Int, address: RxAddress)] = []
  private var servers: [Server]
  private var current: (server: Int, address: RxAddress)?
  private var error: AFSError?
  private var pause = FileserverRotation.firstPause
  private var refreshes = 0
  private var deadline: MonotonicTime?
  /// A server said something which waiting may cure.
  private var mayRecover = false

  package init(servers: [Server]) {
    self.servers = servers
    fill()
  }

  /// The volume was located again: start over with these servers.
  package mutating func refreshed(servers: [Server]) {
    self.servers = servers
    fill()
  }

  /// Answers that stood first come first: servers that are up, each by its fastest address; then the others.
  private mutating func fill() {
    var up: [(server: Int, address: RxAddress)] = []
    var down: [(server: Int, address: RxAddress)] = []
    for (index, server) in servers.enumerated() {
      let order = server.addresses.enumerated().sorted { a, b in
        (a.element.roundTrip ?? .seconds(3600), a.offset) < (b.element.roundTrip ?? .seconds(3600), b.offset)
      }
      for (_, address) in order {
        if address.isDown { down.append((index, address.address)) } else { up.append((index, address.address)) }
      }
    }
    queue = up + down
    mayRecover = false
  }

  /// What to do next.
  /// - Parameter outcome: how the use that was decided last failed; nil at the start, after a sleep, and after a
  ///   refresh.
  package mutating func next(after outcome: RxCallError?, now: MonotonicTime) -> Decision {
    let deadline = self.deadline ?? now + Self.patience
    self.deadline = deadline
    if let outcome, let decision = judge(outcome) { return decision }
    if !queue.isEmpty {
      let chosen = queue.removeFirst()
      current = chosen
      return .use(server: chosen.server, address: chosen.address)
    }
    return exhausted(now: now, deadline: deadline)
  }

  /// All candidates were tried.
  private mutating func exhausted(now: MonotonicTime, deadline: MonotonicTime) -> Decision {
    if refreshes == 0 {
      refreshes += 1
      return .refreshVolume
    }
    guard mayRecover, now + pause < deadline else { return .fail(error ?? .noSuchVolume) }
    defer { pause = min(pause * 2, Self.longestPause) }
    fill()
    return .sleep(until: now + pause)
  }

  /// Notes a failure. Returns a decision when it is final or needs a new location at once.
  private mutating func judge(_ outcome: RxCallError) -> Decision? {
    switch outcome {
    case .aborted(let code): return judge(code)
    case .timedOut, .unreachable:
      note(AFSError(outcome))
      return nil
    case .protocolViolation, .malformedReply, .security:
      // Another server may do better; this one is not asked again.
      note(AFSError(outcome))
      dropCurrentServer()
      return nil
    case .abortedLocally, .cancelled, .shutDown: return .fail(AFSError(outcome))
    }
  }

  private mutating func judge(_ code: AbortCode) -> Decision? {
    switch code {
    case .vBusy, .vRestarting:
      note(AFSError(code))
      dropCurrentServer()
      mayRecover = true
      // A volume that is only busy needs no new location.
      if queue.isEmpty, refreshes == 0 { refreshes = 1 }
      return nil
    case .vOffline, .vSalvage, .vSalvaging, .vNoService, .vIO:
      note(AFSError(code))
      dropCurrentServer()
      mayRecover = true
      return nil
    case .vMoved, .vNoVol:
      note(AFSError(code))
      dropCurrentServer()
      guard refreshes < Self.refreshesMax else { return nil }
      refreshes += 1
      return .refreshVolume
    case .rxCallDead, .rxCallTimeout, .rxRestarting:
      note(.timedOut)
      return nil
    default: return .fail(AFSError(code))
    }
  }

  private mutating func dropCurrentServer() {
    guard let current else { return }
    queue.removeAll { $0.server == current.server }
  }

  private mutating func note(_ new: AFSError) {
    if error.map({ Self.severity($0) < Self.severity(new) }) ?? true { error = new }
  }

  /// Which of several servers' errors is reported: what is known of the volume weighs more than silence.
  private static func severity(_ error: AFSError) -> Int {
    switch error {
    case .unreachable: 0
    case .timedOut: 1
    case .noSuchVolume: 2
    case .volumeOffline: 3
    case .busy: 4
    default: 5
    }
  }
}
