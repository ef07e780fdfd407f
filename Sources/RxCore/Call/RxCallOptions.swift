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

  public init(
    deadline: Duration? = nil, deadTime: Duration = .seconds(50), idleTime: Duration? = nil, isExclusive: Bool = false
  ) {
    self.isExclusive = isExclusive
    self.deadline = deadline
    self.deadTime = deadTime
    self.idleTime = idleTime
  }
}
