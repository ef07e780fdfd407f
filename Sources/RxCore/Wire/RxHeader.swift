/// The 28 bytes with which every Rx packet begins (OpenAFS src/rx/rx_packet.h, struct rx_header; the order of the
/// last eight bytes from rx_packet.c, rxi_EncodePacketHeader).
struct RxHeader: Hashable, Sendable, BitwiseCopyable {
  static let byteCount = 28
  static let flagsOffset = 21
  /// In a call's first packet: its client would rather have the service's successor, and knows it by the id in the answer
  /// (Linux net/rxrpc/protocol.h, RXRPC_USERSTATUS_SERVICE_UPGRADE).
  static let upgradeStatus: UInt8 = 1
  /// The low bits of a cid number the channel (OpenAFS src/rx/rx.h, RX_CHANNELMASK).
  static let channelMask: UInt32 = 3

  var epoch: UInt32
  /// Connection and channel.
  var cid: UInt32
  var callNumber: CallNumber
  var seq = Seq(0)
  var serial = Serial.none
  /// Kept raw: unknown types must parse.
  var type: UInt8
  var flags: PacketFlags
  var userStatus: UInt8 = 0
  var securityIndex: UInt8
  /// The security class's header checksum ("spare" in OpenAFS).
  var checksum: UInt16 = 0
  var serviceID: UInt16

  var connectionID: UInt32 { cid & ~Self.channelMask }
  var channel: Int { Int(cid & Self.channelMask) }
  var isFromClient: Bool { flags.contains(.clientInitiated) }

  init(
    epoch: UInt32, cid: UInt32, callNumber: CallNumber, seq: Seq = Seq(0), serial: Serial = .none, type: PacketType,
    flags: PacketFlags, securityIndex: UInt8, checksum: UInt16 = 0, serviceID: UInt16
  ) {
    self.epoch = epoch
    self.cid = cid
    self.callNumber = callNumber
    self.seq = seq
    self.serial = serial
    self.type = type.rawValue
    self.flags = flags
    self.securityIndex = securityIndex
    self.checksum = checksum
    self.serviceID = serviceID
  }

  /// nil for a datagram shorter than a header.
  @inline(__always)
  init?(_ datagram: UnsafeRawBufferPointer) {
    guard datagram.count >= Self.byteCount else { return nil }
    epoch = datagram.uint32(at: 0)
    cid = datagram.uint32(at: 4)
    callNumber = CallNumber(datagram.uint32(at: 8))
    seq = Seq(datagram.uint32(at: 12))
    serial = Serial(datagram.uint32(at: 16))
    type = datagram[20]
    flags = PacketFlags(rawValue: datagram[21])
    userStatus = datagram[22]
    securityIndex = datagram[23]
    checksum = datagram.uint16(at: 24)
    serviceID = datagram.uint16(at: 26)
  }

  /// Writes 28 bytes.
  @inline(__always)
  func write(to bytes: UnsafeMutableRawPointer) {
    bytes.store(epoch, at: 0)
    bytes.store(cid, at: 4)
    bytes.store(callNumber.rawValue, at: 8)
    bytes.store(seq.rawValue, at: 12)
    bytes.store(serial.rawValue, at: 16)
    bytes.store(type, at: 20)
    bytes.store(flags.rawValue, at: 21)
    bytes.store(userStatus, at: 22)
    bytes.store(securityIndex, at: 23)
    bytes.store(checksum, at: 24)
    bytes.store(serviceID, at: 26)
  }
}
