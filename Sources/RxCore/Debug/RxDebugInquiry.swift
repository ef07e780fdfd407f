/// A question of `rxdebug` on its way through the lanes of a port, which peers know as one: it begins with the first and
/// gathers what each has. Lists continue from lane to lane; a peer that has connections to several stands in each one's.
package struct RxDebugInquiry: Sendable {
  let header: RxHeader
  let source: RxAddress
  /// Its index counts from the lane that it comes to next.
  var question: DebugQuestion
  package fileprivate(set) var nextLane = 0
  /// Of the lanes before.
  var sums = Sums()

  struct Sums {
    var packets = RxPacketCounts()
    var traffic = RxTraffic()
    var census = RxEndpointCensus()
    var callsServed: UInt64 = 0
    var blocksFree = 0
  }

  init(_ question: DebugQuestion, _ header: RxHeader, from source: RxAddress) {
    self.question = question
    self.header = header
    self.source = source
  }

  /// Moves on to the lane after `lane`.
  func continued(after lane: Int) -> RxDebugInquiry {
    var next = self
    next.nextLane = lane + 1
    return next
  }
}

extension RxDebugInquiry.Sums {
  mutating func add(_ endpoint: borrowing RxEndpoint) {
    packets.add(endpoint.packets)
    traffic.add(endpoint.traffic)
    let census = endpoint.census
    self.census.calls += census.calls
    self.census.clientConnections += census.clientConnections
    self.census.serverConnections += census.serverConnections
    self.census.peers += census.peers
    self.census.waitingCalls += census.waitingCalls
    self.census.blocksInUse += census.blocksInUse
    callsServed += endpoint.operations.counts.lazy.filter { !$0.key.isOutgoing }.map(\.value.calls).reduce(0, +)
    blocksFree += endpoint.pool.blocksFree
  }
}
