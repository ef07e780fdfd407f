/// What a simulated path does to datagrams, in one direction.
public struct NetworkConditions: Sendable, Hashable {
  /// Time that every datagram takes.
  public var delay: Duration = .milliseconds(1)
  /// Up to so much more, at random: reorders datagrams sent closer together than that.
  public var jitter: Duration = .zero
  /// Of a thousand datagrams, so many are lost.
  public var lostPerMille = 0
  /// Of a thousand datagrams, so many arrive twice.
  public var duplicatedPerMille = 0
  /// Bytes per second, nil for no limit.
  public var bandwidth: Int?
  /// Bytes that may wait for the line; more are dropped.
  public var queueByteCountMax = 1 << 18
  /// Longer datagrams vanish without a word.
  public var datagramByteCountMax = 65507

  public init() {}

  /// A path with nothing but a delay.
  public init(delay: Duration) {
    self.delay = delay
  }
}
