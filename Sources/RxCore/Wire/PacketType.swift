/// The types of packet (OpenAFS src/rx/rx_packet.h, RX_PACKET_TYPE_*).
enum PacketType: UInt8, Sendable, CaseIterable {
  case data = 1
  case ack = 2
  /// The server cannot take the call now; the client tries again.
  case busy = 3
  case abort = 4
  /// Everything sent so far has been received.
  case ackAll = 5
  case challenge = 6
  case response = 7
  case debug = 8
  /// Exchange of size parameters; peers ignore it, and so do we (9, 10 and 11).
  case parameters = 9
  case parameters2 = 10
  case parameters3 = 11
  case version = 13
}

/// The flags of a packet's header (OpenAFS src/rx/rx_packet.h). Bit 5 means `isJumbo` in DATA and `slowStartOK` in ACK.
struct PacketFlags: OptionSet, Hashable, Sendable, BitwiseCopyable {
  var rawValue: UInt8
  @inline(__always) init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Sent by the side that opened the connection.
  static let clientInitiated = PacketFlags(rawValue: 1)
  /// The receiver acknowledges at once.
  static let requestAck = PacketFlags(rawValue: 2)
  /// The last packet of this direction of the call.
  static let lastPacket = PacketFlags(rawValue: 4)
  /// More packets follow at once.
  static let morePackets = PacketFlags(rawValue: 8)
  /// In DATA: another packet of the same call follows in this datagram.
  static let jumbo = PacketFlags(rawValue: 32)
  /// In ACK: the receiver knows slow start.
  static let slowStartOK = PacketFlags(rawValue: 32)
}
