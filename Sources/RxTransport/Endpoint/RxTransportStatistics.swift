/// A transport at one moment.
public struct RxTransportStatistics: Sendable, Hashable {
  public var callsInFlight = 0
  public var calls = RxCallCounters()
  public var socket = RxSocketCounters()
  /// How often I/O threads went to sleep.
  public var wakeups: UInt64 = 0

  mutating func add(_ other: RxTransportStatistics) {
    callsInFlight += other.callsInFlight
    calls.add(other.calls)
    socket.add(other.socket)
    wakeups += other.wakeups
  }
}
