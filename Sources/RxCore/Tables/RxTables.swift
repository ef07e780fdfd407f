import AFSBase
import AFSTypes

/// All that lives in an endpoint, and what it has done: for `status`, debug packets and tests. A copy.
public struct RxTables: Sendable {
  /// A call under way.
  public struct Call: Sendable, Hashable {
    public enum Step: String, Sendable {
      /// Ours, for which there is no connection yet.
      case waiting = "waiting for a connection"
      /// A peer's call of which the service has not heard yet.
      case announcing
      case sendingRequest = "sending request"
      case receivingReply = "receiving reply"
      case receivingRequest = "receiving request"
      case sendingReply = "sending reply"
      /// Over, but its owner has not taken note yet.
      case ended
    }

    public var peer: RxAddress
    public var cid: UInt32
    public var number: UInt32
    public var service: ServiceID
    public var isOutgoing: Bool
    public var step: Step
    public var age: Duration
    /// Packets received and not read, and packets sent or queued and not acknowledged.
    public var packetsToRead: Int
    public var packetsToAcknowledge: Int
    public var congestionWindow: Int
    public var code: UInt32?
  }

  public struct Connection: Sendable, Hashable {
    public var peer: RxAddress
    public var epoch: UInt32
    public var cid: UInt32
    public var service: ServiceID
    public var securityIndex: UInt8
    public var isOutgoing: Bool
    public var serial: UInt32
    /// The latest call's number on each of the four channels.
    public var callNumbers: [UInt32]
    public var callCount: Int
    /// How long it has been without calls.
    public var idle: Duration?
  }

  public struct Peer: Sendable, Hashable {
    public var address: RxAddress
    public var connectionCount: Int
    public var callCount: Int
    /// nil before the first sample.
    public var roundTrip: Duration?
    public var roundTripVariation: Duration
    /// Data in a packet to it.
    public var payloadMax: Int
    /// The largest window that it has advertised, in packets; 0 before its first ack.
    public var receiveWindow: Int
    public var congestionWindow: Int?
    public var traffic: RxTraffic
  }

  public struct Operation: Sendable, Hashable {
    public var operation: RxOperation
    public var counts: RxOperationCounts
  }

  public var epoch: UInt32 = 0
  public var services: [ServiceID] = []
  public var calls: [Call] = []
  public var connections: [Connection] = []
  public var peers: [Peer] = []
  public var operations: [Operation] = []
  public var packets = RxPacketCounts()
  public var traffic = RxTraffic()

  public init() {}

  /// Adds those of another thread of the same port.
  public mutating func add(_ other: RxTables) {
    epoch = other.epoch
    services = Set(services).union(other.services).sorted { $0.rawValue < $1.rawValue }
    calls += other.calls
    connections += other.connections
    peers += other.peers
    var sums = Dictionary(uniqueKeysWithValues: operations.map { ($0.operation, $0.counts) })
    for entry in other.operations { sums[entry.operation, default: RxOperationCounts()].add(entry.counts) }
    operations = sums.map { Operation(operation: $0.key, counts: $0.value) }
    packets.add(other.packets)
    traffic.add(other.traffic)
  }
}
