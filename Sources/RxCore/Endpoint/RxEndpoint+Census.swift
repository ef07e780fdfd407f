/// How many things live in an endpoint: all zero when nothing is under way and every idle time has passed.
public struct RxEndpointCensus: Hashable, Sendable {
  public var calls = 0
  public var clientConnections = 0
  public var serverConnections = 0
  public var peers = 0
  /// Timers that run.
  public var timers = 0
  /// Service calls announced which the driver has not begun with, and those not announced yet.
  public var waitingCalls = 0
  public var halfOpenCalls = 0
  /// Packet bodies held by calls.
  public var blocksInUse = 0
  /// Datagrams and events which the driver has not taken.
  public var datagrams = 0
  public var events = 0

  public init() {}
}

extension RxEndpoint {
  /// What lives now. Costs as much as a look at a few counters.
  public var census: RxEndpointCensus {
    var census = RxEndpointCensus()
    census.calls = calls.count
    census.clientConnections = clientConnections.count
    census.serverConnections = serverConnections.count
    census.peers = peers.count
    census.timers = callTimers.count + connectionTimers.count
    census.waitingCalls = waitingCalls
    census.halfOpenCalls = halfOpenCalls
    census.blocksInUse = pool.blocksInUse
    census.datagrams = datagrams.count
    census.events = events.count
    return census
  }
}
