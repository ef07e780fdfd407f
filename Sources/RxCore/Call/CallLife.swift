import AFSBase

/// Signs of life of a call's peer, and what follows from their absence.
struct CallLife: BitwiseCopyable {
  /// What the passing of time demands.
  enum OnTimer: Equatable {
    case none
    case ping
    case fail(RxTimeout)
  }

  private let deadTime: Duration
  private let idleTime: Duration?
  private let pingInterval: Duration
  private let repeatInterval: Duration
  /// The latest packet from the peer for this call.
  private var lastReceived: MonotonicTime
  /// The latest ping to the peer.
  private var lastPinged: MonotonicTime
  /// The latest progress: bytes of either stream that arrived.
  private var lastProgress: MonotonicTime
  private(set) var hasBegun = false

  /// Pings go out after a sixth of the dead time (OpenAFS src/rx/rx.c, rx_SetConnDeadTime).
  init(deadTime: Duration, idleTime: Duration?, now: MonotonicTime) {
    self.deadTime = deadTime
    self.idleTime = idleTime
    pingInterval = min(max(deadTime / 6, .milliseconds(1)), Self.pingIntervalMax)
    repeatInterval = min(pingInterval, Self.unansweredPingInterval)
    lastReceived = now
    lastPinged = now
    lastProgress = now
  }

  /// However long the dead time: a server that may send nothing before it has received more depends on the pings (and so
  /// do address translators, which forget after 30 s).
  private static let pingIntervalMax: Duration = .seconds(10)
  /// Pings follow each other faster once one has not been answered: where 30 % are lost both ways, six pings of a dead
  /// time would now and then find a living peer dead (the simulation's seed 6).
  private static let unansweredPingInterval: Duration = .seconds(2)

  private var nextPing: MonotonicTime {
    lastPinged > lastReceived ? lastPinged + repeatInterval : lastReceived + pingInterval
  }

  mutating func received(now: MonotonicTime) { lastReceived = now }
  mutating func progressed(now: MonotonicTime) { lastProgress = now }

  /// Before the first packet is sent nothing can be expected of the peer.
  mutating func sent(now: MonotonicTime) {
    guard !hasBegun else { return }
    hasBegun = true
    lastPinged = now
    lastReceived = now
    lastProgress = now
  }

  /// When to ask `timerPassed` next.
  var deadline: MonotonicTime? {
    guard hasBegun else { return nil }
    var first = min(nextPing, lastReceived + deadTime)
    if let idleTime { first = min(first, lastProgress + idleTime) }
    return first
  }

  mutating func timerPassed(now: MonotonicTime) -> OnTimer {
    guard hasBegun else { return .none }
    if lastReceived + deadTime <= now { return .fail(.dead) }
    if let idleTime, lastProgress + idleTime <= now { return .fail(.idle) }
    guard nextPing <= now else { return .none }
    lastPinged = now
    return .ping
  }
}
