/// What a client may set for each call.
public struct RxCallOptions: Sendable, Hashable {
  /// Limit on the whole call; nil for none.
  public var deadline: Duration?
  /// How long a peer may show no sign of life. 50 s is what cache managers use (OpenAFS src/afs/afs.h, AFS_RXDEADTIME).
  public var deadTime: Duration
  /// How long a peer that answers pings may make no progress; nil for ever.
  public var idleTime: Duration?

  /// The call has a connection of its own, which takes no other (Linux: RXRPC_EXCLUSIVE_CONNECTION).
  public var isExclusive: Bool

  /// Asks the server whether it has a successor of the service at the same port (Linux: RXRPC_UPGRADE_SERVICE). The call
  /// has a connection of its own; `RxCallStatistics.service` names the service that answered, for the calls to come.
  public var probesUpgrade: Bool

  var needsOwnConnection: Bool { isExclusive || probesUpgrade }

  public init(
    deadline: Duration? = nil, deadTime: Duration = .seconds(50), idleTime: Duration? = nil, isExclusive: Bool = false,
    probesUpgrade: Bool = false
  ) {
    self.probesUpgrade = probesUpgrade
    self.isExclusive = isExclusive
    self.deadline = deadline
    self.deadTime = deadTime
    self.idleTime = idleTime
  }
}
