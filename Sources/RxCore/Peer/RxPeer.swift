import AFSBase

/// What is known of one UDP address that we have connections with, or had. Shared by them all.
struct RxPeer {
  let address: RxAddress
  var rtt: RTTEstimator
  var reordering = ReorderingTolerance()
  var memory = PathMemory()
  /// Whether it has shown that it receives at its address.
  var proof = AddressProof()
  /// Names of calls to our services which wait for that, or for more bytes from there.
  var blockedCalls: [UInt64] = []
  /// Connections which refer to it. After the last it is kept for a while if it `isKnown`, else it goes with that.
  var connectionCount = 0
  /// Calls under way.
  var callCount = 0
  /// How large the DATA packets may be that we send.
  var pathMTU: PathMTU
  /// Client calls under way on connections that the peer has not answered on.
  var greetingCalls = 0
  /// When the last datagram of a call, or NAT ping, went to it.
  var lastSentAt = MonotonicTime.zero
  /// Client connections, where they are kept reachable.
  var clientConnectionCount = 0
  /// The largest receive window that the peer ever advertised: tells stock peers (32) from wide ones.
  var receiveWindowSeen = 0
  /// DATA packets that we may put into one datagram.
  private(set) var jumboMax = 1
  /// Timeouts of jumbograms. After a few it gets none any more.
  private var jumbogramsLost = 0
  private static let jumbogramsLostMax = 3
  /// When its last connection went; nil while it has one.
  var idleSince: MonotonicTime?
  /// Since we know it.
  var traffic = RxTraffic()

  init(address: RxAddress, bodyByteCountMax: Int, rtt: RTTEstimator) {
    self.address = address
    self.rtt = rtt
    pathMTU = PathMTU(ceiling: bodyByteCountMax, mayFragment: address.ipv4 != nil)
  }

  /// What new packets may carry. All of a jumbogram but the last carry exactly so much as that has room for.
  var bodyByteCountMax: Int {
    jumboMax > 1 ? min(pathMTU.current, JumboDatagram.payloadByteCount) : pathMTU.current
  }

  /// Something was found out that a later connection can use.
  var isKnown: Bool { rtt.smoothed != nil }

  /// Nothing was heard of one: its path may not carry datagrams of that length, or their fragments.
  mutating func lostJumbogram() {
    jumbogramsLost += 1
    if jumbogramsLost >= Self.jumbogramsLostMax { jumboMax = 1 }
  }

  mutating func received(_ trailer: AckTrailer, bodyByteCountMax ours: Int, jumboMax ourJumboMax: Int) {
    let theirs = Int(min(trailer.maxMTU, trailer.interfaceMTU, 1 << 16)) - RxHeader.byteCount
    pathMTU.limit(max(min(ours, theirs), min(ours, PathMTU.floor)))
    if ourJumboMax > 1, jumbogramsLost < Self.jumbogramsLostMax {
      let theirs = Int(min(trailer.packetsPerDatagram ?? 1, UInt32(RxEndpointConfiguration.jumboMax)))
      jumboMax = max(1, min(ourJumboMax, theirs))
    }
    receiveWindowSeen = max(receiveWindowSeen, Int(min(trailer.receiveWindow ?? 0, 1 << 16)))
  }
}
