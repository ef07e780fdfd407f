/// What a port's sockets have carried.
public struct RxSocketCounters: Sendable, Hashable {
  public var datagramsReceived: UInt64 = 0
  public var datagramsSent: UInt64 = 0
  /// Looks at a socket that gave datagrams.
  public var receiveBatches: UInt64 = 0
  public var transmitBatches: UInt64 = 0
  /// Datagrams and bursts lost because of errors of sendmsg(2).
  public var sendErrors: UInt64 = 0
  /// ICMP errors.
  public var networkErrors: UInt64 = 0
  /// Datagrams that came to another thread's socket than that of their connection, and were handed over.
  public var datagramsForwarded: UInt64 = 0
  /// Those that were dropped instead, too many being under way.
  public var forwardDrops: UInt64 = 0

  mutating func add(_ other: RxSocketCounters) {
    datagramsReceived += other.datagramsReceived
    datagramsSent += other.datagramsSent
    receiveBatches += other.receiveBatches
    transmitBatches += other.transmitBatches
    sendErrors += other.sendErrors
    networkErrors += other.networkErrors
    datagramsForwarded += other.datagramsForwarded
    forwardDrops += other.forwardDrops
  }
}
