/// Limits and times of an endpoint.
public struct RxEndpointConfiguration: Sendable, Hashable {
  /// Packets that we let a peer send beyond the last one handed to the reader, 1 to `windowMax`.
  ///
  /// The ack's list describes 255 packets at most (one byte counts them); those beyond are told of when what is
  /// missing before them has come. Stock peers take what suits them of a larger window: OpenAFS 32 packets
  /// (src/rx/rx_globals.h, rx_maxSendWindow), Linux 128 (net/rxrpc/ar-internal.h, RXRPC_TX_MAX_WINDOW).
  /// AF_RXRPC's `rx_window_size`.
  public var receiveWindow = 1024
  /// Packets that we send beyond the first unacknowledged, if the peer's window allows.
  public var transmitWindow = 1024
  /// Larger windows would hold more than 12 MB a call.
  public static let windowMax = 8192
  /// Payload bytes of a DATA packet: 1416 is what fileservers use at MTU 1500 (FACTS: "natural MTU" 1444 = 28 + 1416).
  /// At most 1536, the size of a pooled block.
  public var payloadMax = 1416
  /// DATA packets in a datagram (jumbogram) that peers are told to send at most; larger ones are taken, too. AF_RXRPC's
  /// `rx_jumbo_max`, which is 4 there. 1 asks for none: routers fragment what is longer than their links, and the loss of
  /// a fragment loses all of it.
  public var jumboReceiveMax = 1
  /// DATA packets that we put into a datagram at most, to peers that advertise as many: for networks whose links take
  /// 9000 bytes.
  public var jumboTransmitMax = 1
  /// What fits into a datagram of UDP.
  public static let jumboMax = 45
  /// A peer with a 32-packet window is fastest when every 4th packet is acknowledged (measured, see protocol notes).
  public var packetsPerAck = 4
  /// The same for peers that have shown a window of more than 64 packets: an ack costs as much as a packet.
  public var packetsPerAckOfWidePeers = 16
  /// How long a client waits with the acknowledgement of a reply of one packet: the next call on the channel makes it
  /// needless, and so a packet of three is saved (Linux net/rxrpc/conn_object.c waits two jiffies). Stock servers repeat
  /// a reply after 220 ms at the earliest (OpenAFS src/rx/rx.c, rxi_ComputeRoundTripTime).
  public var finalAckDelay: Duration = .milliseconds(10)
  /// Client connections to one target (peer, service, security) at most, with four calls each; more calls wait for
  /// their turn, first come first served.
  public var connectionsPerTargetMax = 16
  /// Client calls that wait, at most; more fail at once.
  public var queuedCallsMax = 10_000
  /// Calls at most to one peer on connections that it has not answered on yet (see `RxEndpoint+CallQueue`).
  public var greetingCallsMax = 4
  /// How long an ack that a packet asked for may wait for more packets (AF_RXRPC's `req_ack_delay`). Any wait counts
  /// into the round trip that the peer measures.
  public var requestedAckDelay: Duration = .zero
  /// How long fewer packets than `packetsPerAck` may go unacknowledged (OpenAFS src/rx/rx.c, rx_softAckDelay; AF_RXRPC's
  /// `soft_ack_delay`).
  public var softAckDelay: Duration = .milliseconds(100)
  /// How long the peer may not know that packets which were acknowledged softly have been read (OpenAFS src/rx/rx.c,
  /// rx_hardAckDelay; AF_RXRPC's `idle_ack_delay`).
  public var idleAckDelay: Duration = .milliseconds(100)
  /// Wait for an acknowledgement before anything is known of the peer (AF_RXRPC's `resend_timeout`). RFC 6298 says 1 s;
  /// half of it costs at most one repeated packet on a slow path and halves the wait for a lost first packet.
  public var retransmitTimeoutInitial: Duration = .milliseconds(500)
  /// Least wait, before allowances for delayed acks (OpenAFS src/rx/rx_globals.h, rx_minPeerTimeout).
  public var retransmitTimeoutMin: Duration = .milliseconds(20)
  /// Longest wait between two transmissions of a packet.
  public var retransmitTimeoutMax: Duration = .seconds(5)
  /// First wait before a peer is asked whether it still has what it acknowledged only softly; doubled up to 10 s.
  public var softCheckInterval: Duration = .seconds(2)
  /// How the congestion window grows.
  public var congestionAlgorithm = RxCongestionAlgorithm.cubic
  /// How long the congestion window that calls reached is where new calls to the same peer start.
  public var pathMemoryLifetime: Duration = .seconds(60)
  /// How long an idle client connection is kept.
  public var connectionIdleTime: Duration = .seconds(600)
  /// How long a client connection that takes no more calls is kept at least after its last one, and how long one of a
  /// client of ours: stragglers are answered meanwhile. A peer which has missed our last word asks for its dead time
  /// (50 s); a server that forgot a call would serve it again when its client repeats it.
  public var connectionLingerTime: Duration = .seconds(60)
  /// How long what is known of a peer (round trip, path MTU, congestion window) is kept after its last connection (that
  /// is AF_RXRPC's `transport_expiry`: there, too, the record of a peer outlives its connections).
  public var peerIdleTime: Duration = .seconds(3600)
  /// Peers without connections that are kept at most; those that have been so for longest go first.
  public var idlePeersMax = 1024
  /// Client connections kept for stragglers only, at most; the oldest go first.
  public var lingeringConnectionsMax = 4096
  /// How often a server that we have a connection with, and send nothing else to, is sent a datagram which only keeps
  /// the mapping of an address translator alive; nil for never. OpenAFS's cache manager uses 20 s (src/afs/afs_conn.c).
  /// It ends with the last connection (`connectionIdleTime`): who waits for calls longer makes one in between.
  public var natPingInterval: Duration?
  /// How long an idle connection of a client of ours is kept (OpenAFS src/rx/rx_globals.h, rx_idleConnectionTime).
  public var serverConnectionIdleTime: Duration = .seconds(700)
  /// Connections of clients kept at most; at the bound the longest idle one goes, and if none is idle new ones wait.
  public var serverConnectionsMax = 16384
  /// Service calls that may wait for the driver; beyond it peers get BUSY.
  public var acceptQueueDepth = 256
  /// Service calls at most of which the first packet, or the client's proof of who or where it is, is still missing.
  /// Beyond it clients must prove their addresses first, and then take the places of those which have not. A client
  /// that has gets none while its host has a quarter of them.
  public var halfOpenCallsMax = 1024
  /// Service calls at most that are served before their client has proven its address; the others wait for the proof, a
  /// round trip. Each can hold a reply as long as the transmit window.
  public var callsOnTrustMax = 64
  /// Clients may be sent any amount without having proven their addresses: for networks where nobody forges those.
  public var trustsAddresses = false
  /// How long a client may show no sign of life while we serve it or wait for its last acknowledgement.
  public var serverDeadTime: Duration = .seconds(50)
  /// Limit on every call, ours and those of peers; zero for none.
  public var callLifetimeMax: Duration = .zero
  /// Datagrams of one destination put into one buffer at most; 44 of 1444 bytes fill a UDP_SEGMENT send.
  public var segmentsMax = 44
  /// What a version packet is answered with; 64 bytes of it count.
  public var versionText = "afsfuse"
  /// Who gets answers to DEBUG packets (`rxdebug`), and the whole version text. The answers are longer than the
  /// questions: networks in which addresses are forged do not belong here.
  public var debugNetworks = RxNetwork.loopback

  public init() {}
}
