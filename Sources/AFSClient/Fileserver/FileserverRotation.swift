package import AFSBase
import AFSTypes
package import RxCore

/// Which server and address to use next for one operation on a volume, and when to give up: a value without I/O.
///
/// Policy by outcome:
///
/// | Outcome | What follows |
/// |---|---|
/// | VBUSY, VRESTARTING (a clone is made, the server starts, or too many of our calls wait) | other servers, then wait |
/// | VOFFLINE, VSALVAGE, VSALVAGING, VIO | other servers; locate again, once; then wait |
/// | VNOSERVICE | the same, but an operation that must not be done twice ends: old servers broke off running calls so |
/// | VMOVED, VNOVOL | locate again, other servers; then wait, for a short while, and locate again after each wait |
/// | no sign of life, refused by the network | the server's other addresses, other servers; locate again, once; a server that answered before is waited for: for a short while when it refuses, for long when data is stored |
/// | a call without progress, a malformed reply | other servers; an operation that must not be done twice ends |
/// | any other code | the answer |
///
/// Waits begin with 0.1 s and double up to 5 s; `Limits` bounds them all. When several servers failed in different ways,
/// the error that says most about the volume wins (`severity`). Sources of the policy: OpenAFS src/afs/afs_analyze.c,
/// kAFS fs/afs/rotate.c.
package struct FileserverRotation: Sendable {
  package enum Decision: Sendable, Hashable {
    /// Call this server (by its place in the list) at this address.
    case use(server: Int, address: RxAddress)
    case sleep(until: MonotonicTime)
    /// Ask the location servers again, then give the servers to `refreshed`.
    case refreshVolume
    case fail(AFSError)
  }

  /// For how long an operation goes on, counted from its start.
  package struct Limits: Sendable, Hashable {
    /// A volume that its server knows, but does not serve now.
    package var away = Duration.seconds(60)
    /// A volume which its server does not have, though the location servers say so: a release or a move may be under
    /// way.
    package var missing = Duration.seconds(3)
    /// A server that has answered before, and whose host now says that nobody listens; counted from then. A restart
    /// takes seconds.
    package var outage = Duration.seconds(15)
    /// A server that has answered before and gives no sign of life; counted from when a call was given up.
    package var silence = Duration.zero
    /// After an outage an address is tried this often only; meanwhile operations fail at once.
    package var downRetry = Duration.seconds(5)

    package init() {}

    /// For data that users believe to be written: a network that is gone for a minute must not cost it.
    package static var forStores: Limits {
      var limits = Limits()
      limits.outage = .seconds(60)
      limits.silence = .seconds(60)
      return limits
    }

    /// How long a server that has answered before is waited for.
    func wait(refused: Bool) -> Duration { refused ? outage : silence }
  }

  private static let firstPause: Duration = .milliseconds(100)
  private static let longestPause: Duration = .seconds(5)
  private let limits: Limits
  private let isRepeatable: Bool
  private var servers: [Server]
  private var preferred: Int?
  private var queue: [Candidate] = []
  private var needsFilling = true
  /// A pause has passed since the silent addresses were tried.
  private var triesSilentAgain = true
  private var current: Candidate?
  private var started: MonotonicTime?
  private var pause = FileserverRotation.firstPause
  /// The volume was located again because nobody served it; because a server does not have it, since the last pause.
  private var hasRefreshed = false
  private var hasRefreshedInRound = false
  private var error: AFSError?
  /// When addresses first gave no sign of life in this operation.
  private var silentSince: [RxAddress: MonotonicTime] = [:]
  /// Until when what was heard since the last pause is worth waiting for.
  private var waitEnd: MonotonicTime?
  /// All were merely busy: that needs no new location.
  private var isOnlyBusy = true
  /// The operation may have been carried out, but its answer was lost.
  private var mayBeDone = false

  /// - Parameters:
  ///   - preferred: the server which holds promises to us, as a place in `servers`: it comes first when it is up.
  ///   - isRepeatable: doing the operation twice gives the same as doing it once (a read, a store; not a creation).
  package init(servers: [Server], preferred: Int? = nil, isRepeatable: Bool = true, limits: Limits = Limits()) {
    self.servers = servers
    self.preferred = preferred
    self.isRepeatable = isRepeatable
    self.limits = limits
  }

  /// The volume was located again: start over with these servers.
  package mutating func refreshed(servers: [Server], preferred: Int? = nil) {
    self.servers = servers
    self.preferred = preferred
    needsFilling = true
    triesSilentAgain = false
  }

  /// What to do next.
  /// - Parameter outcome: how the use that was decided last failed; nil at the start, after a sleep, and after a
  ///   refresh.
  package mutating func next(after outcome: RxCallError?, now: MonotonicTime) -> Decision {
    let started = self.started ?? now
    self.started = started
    if let outcome, let decision = judge(outcome, started: started, now: now) { return decision }
    if needsFilling { fill(now: now) }
    while !queue.isEmpty {
      let candidate = queue.removeFirst()
      if !triesSilentAgain, silentSince[candidate.address] != nil { continue }
      current = candidate
      return .use(server: candidate.server, address: candidate.address)
    }
    return exhausted(now: now)
  }

  private mutating func fill(now: MonotonicTime) {
    queue = Candidate.order(servers, preferred: preferred, limits: limits, now: now)
    needsFilling = false
  }

  /// All candidates were tried.
  private mutating func exhausted(now: MonotonicTime) -> Decision {
    let triedAny = current != nil
    // Where all are known to be down nothing was learnt that makes another location likely.
    if !hasRefreshed, servers.isEmpty || (triedAny && !isOnlyBusy) {
      hasRefreshed = true
      return .refreshVolume
    }
    guard let waitEnd, now + pause < waitEnd else {
      return .fail(error ?? (servers.isEmpty ? .noSuchVolume : .timedOut))
    }
    defer { pause = min(pause * 2, Self.longestPause) }
    needsFilling = true
    triesSilentAgain = true
    hasRefreshedInRound = false
    self.waitEnd = nil
    isOnlyBusy = true
    return .sleep(until: now + pause)
  }

  // MARK: Outcomes

  /// Notes a failure. Returns a decision when it is final or needs a new location at once.
  private mutating func judge(_ outcome: RxCallError, started: MonotonicTime, now: MonotonicTime) -> Decision? {
    switch outcome {
    case .aborted(let code): return judge(code, started: started, now: now)
    case .timedOut(.dead), .unreachable:
      noteSilence(AFSError(outcome), now: now)
      return nil
    case .timedOut(.idle), .timedOut(.hard), .protocolViolation, .misuse, .malformedReply:
      // The server was at it, or has done it.
      guard isRepeatable else { return .fail(AFSError(outcome)) }
      note(AFSError(outcome))
      dropCurrentServer()
      return nil
    case .security:
      note(AFSError(outcome))
      dropCurrentServer()
      return nil
    case .abortedLocally, .cancelled, .tooManyCalls, .shutDown: return .fail(AFSError(outcome))
    }
  }

  private mutating func judge(_ code: AbortCode, started: MonotonicTime, now: MonotonicTime) -> Decision? {
    switch code {
    case .vBusy, .vRestarting:
      note(AFSError(code), waitUntil: started + limits.away)
      dropCurrentServer(busy: true)
      return nil
    case .vNoService where !isRepeatable: return .fail(.timedOut)
    case .vOffline, .vSalvage, .vSalvaging, .vNoService, .vIO:
      note(AFSError(code), waitUntil: started + limits.away)
      dropCurrentServer()
      return nil
    case .vMoved, .vNoVol:
      note(AFSError(code), waitUntil: started + limits.missing)
      dropCurrentServer()
      // Location and servers may send us to and fro for as long as a move takes: each time after a pause.
      guard !hasRefreshedInRound else { return nil }
      hasRefreshed = true
      hasRefreshedInRound = true
      return .refreshVolume
    case .rxCallDead, .rxCallTimeout:
      noteSilence(.timedOut, now: now)
      return nil
    default: return .fail(answer(AFSError(code)))
    }
  }

  /// An answer that our own first try would explain says nothing: whether it or somebody else did it is unknown.
  private func answer(_ error: AFSError) -> AFSError {
    guard mayBeDone else { return error }
    switch error {
    case .alreadyExists, .notFound, .stale: return .timedOut
    default: return error
    }
  }

  private mutating func noteSilence(_ error: AFSError, now: MonotonicTime) {
    guard let current else { return }
    let since = current.downSince ?? silentSince[current.address] ?? now
    silentSince[current.address] = since
    isOnlyBusy = false
    if !isRepeatable, error == .timedOut { mayBeDone = true }
    note(error, waitUntil: current.hasAnswered ? since + limits.wait(refused: error == .unreachable) : nil)
  }

  private mutating func dropCurrentServer(busy: Bool = false) {
    guard let current else { return }
    isOnlyBusy = isOnlyBusy && busy
    queue.removeAll { $0.server == current.server }
  }

  private mutating func note(_ new: AFSError, waitUntil end: MonotonicTime? = nil) {
    if error.map({ Self.severity($0) < Self.severity(new) }) ?? true { error = new }
    if let end { waitEnd = max(waitEnd ?? end, end) }
  }

  /// Which of several servers' errors is reported: what is known of the volume weighs more than silence, and a server
  /// that has the volume more than one which has not.
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
