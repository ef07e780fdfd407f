/// The body of a received ACK packet; borrows the datagram's bytes (OpenAFS src/rx/rx.h, struct rx_ackPacket).
struct ReceivedAck {
  /// Everything before it has been received for good ("hard" acknowledgement).
  var firstPacket: Seq
  /// The last DATA packet that the peer received, or the highest: peers differ.
  var previousPacket: Seq
  /// The serial of the packet that prompted the ack, 0 for none.
  var serial: Serial
  /// Kept raw: an unknown reason still acknowledges.
  var reason: UInt8
  /// One byte per packet from `firstPacket` on; bit 0 says whether it was received ("soft" acknowledgement).
  var softAcks: UnsafeRawBufferPointer
  var trailer: AckTrailer?

  /// Bytes before the soft acks.
  static let fixedByteCount = 18
  /// Zero bytes between the soft acks and the trailer (OpenAFS rx.h, rx_AckDataSize).
  static let paddingByteCount = 3

  /// nil for a body shorter than its fixed part. A count of soft acks beyond the body is cut down to what is there.
  init?(_ body: UnsafeRawBufferPointer) {
    guard body.count >= Self.fixedByteCount else { return nil }
    firstPacket = Seq(body.uint32(at: 4))
    previousPacket = Seq(body.uint32(at: 8))
    serial = Serial(body.uint32(at: 12))
    reason = body[16]
    let claimed = Int(body[17])
    let present = min(claimed, body.count - Self.fixedByteCount)
    softAcks = UnsafeRawBufferPointer(rebasing: body[Self.fixedByteCount..<(Self.fixedByteCount + present)])
    trailer = AckTrailer(body.dropping(Self.fixedByteCount + claimed + Self.paddingByteCount))
  }
}

/// What a peer tells about itself at the end of an ACK. Older peers leave out the end of it.
struct AckTrailer: Hashable, Sendable, BitwiseCopyable {
  /// The largest packet (Rx header included) that the peer takes.
  var maxMTU: UInt32
  /// The size of packet that suits the peer's interface.
  var interfaceMTU: UInt32
  /// Packets which the peer takes beyond `firstPacket`; nil from peers before AFS 3.4.
  var receiveWindow: UInt32?
  /// Packets which the peer takes in one datagram; nil from peers before AFS 3.5.
  var packetsPerDatagram: UInt32?

  static let byteCount = 16

  init(maxMTU: UInt32, interfaceMTU: UInt32, receiveWindow: UInt32, packetsPerDatagram: UInt32) {
    self.maxMTU = maxMTU
    self.interfaceMTU = interfaceMTU
    self.receiveWindow = receiveWindow
    self.packetsPerDatagram = packetsPerDatagram
  }

  /// nil unless the two sizes are there.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= 8 else { return nil }
    maxMTU = bytes.uint32(at: 0)
    interfaceMTU = bytes.uint32(at: 4)
    receiveWindow = bytes.count >= 12 ? bytes.uint32(at: 8) : nil
    packetsPerDatagram = bytes.count >= 16 ? bytes.uint32(at: 12) : nil
  }
}

/// The body of an ACK packet that we send.
struct OutgoingAck {
  var firstPacket: Seq
  /// The highest DATA packet received: some peers drop acks in which it goes back (OpenAFS rx.c, ack_is_valid).
  var previousPacket: Seq
  var serial: Serial
  var reason: AckReason
  var trailer: AckTrailer

  /// The most packets which one ACK can describe softly (one byte holds the count; OpenAFS rx.h, RX_MAXACKS).
  static let softAcksMax = 255
  /// Bytes of an ACK body with `softAckCount` soft acks.
  static func byteCount(softAckCount: Int) -> Int {
    ReceivedAck.fixedByteCount + softAckCount + ReceivedAck.paddingByteCount + AckTrailer.byteCount
  }

  /// Writes the body around soft acks which the caller has put at `bytes + 18`.
  func write(to bytes: UnsafeMutableRawPointer, softAckCount: Int) {
    bytes.store(UInt32(0), at: 0)  // buffer space and skew: peers ignore both
    bytes.store(firstPacket.rawValue, at: 4)
    bytes.store(previousPacket.rawValue, at: 8)
    bytes.store(serial.rawValue, at: 12)
    bytes.store(reason.rawValue, at: 16)
    bytes.store(UInt8(softAckCount), at: 17)
    let padding = ReceivedAck.fixedByteCount + softAckCount
    for offset in 0..<ReceivedAck.paddingByteCount { bytes.store(UInt8(0), at: padding + offset) }
    let end = padding + ReceivedAck.paddingByteCount
    bytes.store(trailer.maxMTU, at: end)
    bytes.store(trailer.interfaceMTU, at: end + 4)
    bytes.store(trailer.receiveWindow ?? 0, at: end + 8)
    bytes.store(trailer.packetsPerDatagram ?? 0, at: end + 12)
  }
}
