/// Splits a datagram of DATA into its packets.
///
/// All packets but the last carry 1412 bytes followed by a header of four bytes for the next packet: flags, spare,
/// checksum. Its seq and serial are one more than its predecessor's (OpenAFS src/rx/rx_packet.h, RX_JUMBOBUFFERSIZE;
/// rx_packet.c, rxi_SplitJumboPacket).
struct JumboDatagram {
  static let payloadByteCount = 1412
  static let headerByteCount = 4

  private var nextHeader: RxHeader?
  private var rest: UnsafeRawBufferPointer

  /// - Parameter body: what follows the Rx header.
  init(header: RxHeader, body: UnsafeRawBufferPointer) {
    nextHeader = header
    rest = body
  }

  /// The next packet; nil after the last, or where a length lies.
  @inline(__always)
  mutating func next() -> (header: RxHeader, body: UnsafeRawBufferPointer)? {
    guard let header = nextHeader else { return nil }
    guard header.flags.contains(.jumbo) else {
      nextHeader = nil
      return (header, rest)
    }
    return nextOfSeveral(header)
  }

  private mutating func nextOfSeveral(_ header: RxHeader) -> (header: RxHeader, body: UnsafeRawBufferPointer)? {
    guard rest.count >= Self.payloadByteCount + Self.headerByteCount else {
      nextHeader = nil
      return nil
    }
    let body = UnsafeRawBufferPointer(rebasing: rest[..<Self.payloadByteCount])
    var following = header
    following.seq += 1
    following.serial += 1
    following.flags = PacketFlags(rawValue: rest[Self.payloadByteCount])
    if header.isFromClient {
      following.flags.insert(.clientInitiated)
    } else {
      following.flags.remove(.clientInitiated)
    }
    following.checksum = rest.uint16(at: Self.payloadByteCount + 2)
    rest = rest.dropping(Self.payloadByteCount + Self.headerByteCount)
    nextHeader = following
    return (header, body)
  }
}
