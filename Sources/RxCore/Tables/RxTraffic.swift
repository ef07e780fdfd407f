/// What has gone to and come from one peer, or through one endpoint.
public struct RxTraffic: Hashable, Sendable {
  public var packetsSent: UInt64 = 0
  /// DATA packets sent again.
  public var packetsResent: UInt64 = 0
  /// With their Rx headers.
  public var bytesSent: UInt64 = 0
  public var packetsReceived: UInt64 = 0
  public var bytesReceived: UInt64 = 0

  public init() {}

  mutating func add(_ other: RxTraffic) {
    packetsSent &+= other.packetsSent
    packetsResent &+= other.packetsResent
    bytesSent &+= other.bytesSent
    packetsReceived &+= other.packetsReceived
    bytesReceived &+= other.bytesReceived
  }

  mutating func sent(packets: Int, bytes: Int) {
    packetsSent &+= UInt64(packets)
    bytesSent &+= UInt64(bytes)
  }

  mutating func received(bytes: Int) {
    packetsReceived &+= 1
    bytesReceived &+= UInt64(bytes)
  }
}

/// Datagrams by the type of their (first) packet: index is the type (OpenAFS src/rx/rx_packet.h, RX_PACKET_TYPE_*), 0
/// counts what is no Rx packet.
public struct RxPacketCounts: Hashable, Sendable {
  static let typesMax = 14
  public private(set) var received = [14 of UInt64](repeating: 0)
  public private(set) var sent = [14 of UInt64](repeating: 0)

  public init() {}

  mutating func add(_ other: RxPacketCounts) {
    for type in 0..<Self.typesMax {
      received[type] &+= other.received[type]
      sent[type] &+= other.sent[type]
    }
  }

  mutating func countReceived(type: UInt8) {
    received[Int(type) < Self.typesMax ? Int(type) : 0] &+= 1
  }

  mutating func countSent(type: UInt8, _ count: Int) {
    sent[Int(type) < Self.typesMax ? Int(type) : 0] &+= UInt64(count)
  }

  public static func == (a: Self, b: Self) -> Bool {
    (0..<typesMax).allSatisfy { a.received[$0] == b.received[$0] && a.sent[$0] == b.sent[$0] }
  }

  public func hash(into hasher: inout Hasher) {
    for type in 0..<Self.typesMax { hasher.combine(received[type]) }
  }
}
