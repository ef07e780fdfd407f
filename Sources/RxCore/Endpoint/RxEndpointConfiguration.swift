/// Limits and times of an endpoint.
public struct RxEndpointConfiguration: Sendable, Hashable {
  /// Packets that we let a peer send beyond the last one handed to the reader. The ack trailer and the ack
  /// bitmap bound it at 255 (one byte counts the soft acks).
  public var receiveWindow = 255
  /// Packets that we send beyond the first unacknowledged, if the peer's window allows.
  public var transmitWindow = 255
  /// Payload bytes of a DATA packet: 1416 is what fileservers use at MTU 1500 (FACTS: "natural MTU" 1444 = 28 + 1416).
  /// At most 1536, the size of a pooled block.
  public var payloadMax = 1416
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
  /// How long an idle client connection is kept.
  public var connectionIdleTime: Duration = .seconds(600)
  /// How long a client connection that takes no more calls is kept at least after its last one, and how long one of a
  /// client of ours: stragglers are answered meanwhile. A peer which has missed our last word asks for its dead time
  /// (50 s); a server that forgot a call would serve it again when its client repeats it.
  public var connectionLingerTime: Duration = .seconds(60)
  /// Client connections kept for stragglers only, at most; the oldest go first.
  public var lingeringConnectionsMax = 4096
  /// How long an idle connection of a client of ours is kept (OpenAFS src/rx/rx_globals.h, rx_idleConnectionTime).
  public var serverConnectionIdleTime: Duration = .seconds(700)
  /// Connections of clients kept at most; at the bound the longest idle one goes, and if none is idle new ones wait.
  public var serverConnectionsMax = 16384
  /// Service calls that may wait for the driver; beyond it peers get BUSY.
  public var acceptQueueDepth = 256
  /// Service calls at most of which the first packet, or the client's proof of who it is, is still missing. Beyond it
  /// only calls that can be announced at once are taken; the others' clients try again.
  public var halfOpenCallsMax = 1024
  /// Service calls at most that are served before their client has proven its address; the others wait for the proof, a
  /// round trip. Each can hold a reply as long as the transmit window.
  public var callsOnTrustMax = 64
  /// Clients may be sent any amount without having proven their addresses: for networks where nobody forges those.
  public var trustsAddresses = false
  /// How long a client may show no sign of life while we serve it or wait for its last acknowledgement.
  public var serverDeadTime: Duration = .seconds(50)
  /// Datagrams of one destination put into one buffer at most; 44 of 1444 bytes fill a UDP_SEGMENT send.
  public var segmentsMax = 44
  /// What a version packet is answered with; 64 bytes of it count.
  public var versionText = "afsfuse"

  public init() {}
}
