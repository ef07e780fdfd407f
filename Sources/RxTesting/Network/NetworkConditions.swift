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
  /// Of a thousand datagrams, so many arrive with a byte changed.
  public var corruptedPerMille = 0
  /// Bytes per second, nil for no limit.
  public var bandwidth: Int?
  /// Bytes that may wait for the line; more are dropped.
  public var queueByteCountMax = 1 << 18
  /// Longer datagrams vanish without a word.
  public var datagramByteCountMax = 65507
  /// But for those that may be fragmented, if fragments pass.
  public var fragmentsPass = true

  public init() {}

  /// A path with nothing but a delay.
  public init(delay: Duration) {
    self.delay = delay
  }

  public init(delay: Duration, jitter: Duration, lostPerMille: Int, duplicatedPerMille: Int = 0) {
    self.delay = delay
    self.jitter = jitter
    self.lostPerMille = lostPerMille
    self.duplicatedPerMille = duplicatedPerMille
  }

  /// What a bad wireless network does.
  public static let bad = NetworkConditions(
    delay: .milliseconds(20), jitter: .milliseconds(30), lostPerMille: 50, duplicatedPerMille: 20)
}
