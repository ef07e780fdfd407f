import AFSBase

/// What is known of one UDP address that we have connections with. Shared by them all.
struct RxPeer {
  let address: RxAddress
  var rtt: RTTEstimator
  var reordering = ReorderingTolerance()
  var memory = PathMemory()
  /// Whether it has shown that it receives at its address.
  var proof = AddressProof()
  /// Names of server's calls which wait for that.
  var blockedCalls: [UInt64] = []
  /// Connections which refer to it; it goes with the last.
  var connectionCount = 0
  /// Calls under way.
  var callCount = 0
  /// Payload bytes (security header and trailer included) of the DATA packets we send.
  var pathMTU: PathMTU
  /// Client calls under way on connections that the peer has not answered on.
  var greetingCalls = 0
  /// When the last datagram of a call, or NAT ping, went to it.
  var lastSentAt = MonotonicTime.zero
  /// Client connections, where they are kept reachable.
  var clientConnectionCount = 0
  /// The largest receive window that the peer ever advertised: tells stock peers (32) from wide ones.
  var receiveWindowSeen = 0
  /// Since we know it.
  var traffic = RxTraffic()

  init(address: RxAddress, bodyByteCountMax: Int, rtt: RTTEstimator) {
    self.address = address
    self.rtt = rtt
    pathMTU = PathMTU(ceiling: bodyByteCountMax)
  }

  /// What new packets may carry.
  var bodyByteCountMax: Int { pathMTU.current }

  mutating func received(_ trailer: AckTrailer, bodyByteCountMax ours: Int) {
    let theirs = Int(min(trailer.maxMTU, trailer.interfaceMTU, 1 << 16)) - RxHeader.byteCount
    pathMTU.limit(max(min(ours, theirs), min(ours, PathMTU.floor)))
    receiveWindowSeen = max(receiveWindowSeen, Int(min(trailer.receiveWindow ?? 0, 1 << 16)))
  }
}
