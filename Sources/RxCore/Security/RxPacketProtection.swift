public import AFSTypes

/// What a security class knows of the connection it protects.
public struct RxSecurityContext: Hashable, Sendable {
  public var epoch: UInt32
  /// The channel bits are zero.
  public var cid: UInt32
  public var service: ServiceID
  public var securityIndex: UInt8
  public var peer: RxAddress
  /// Server: whether the client's first packet had a header checksum. Only clients from before 1990 have none.
  public var peerSendsChecksums: Bool

  public init(
    epoch: UInt32, cid: UInt32, service: ServiceID, securityIndex: UInt8, peer: RxAddress,
    peerSendsChecksums: Bool = true
  ) {
    self.epoch = epoch
    self.cid = cid
    self.service = service
    self.securityIndex = securityIndex
    self.peer = peer
    self.peerSendsChecksums = peerSendsChecksums
  }
}

/// What tells one DATA packet of a connection from all others; the same for every transmission of it.
public struct RxPacketIdentity: Hashable, Sendable {
  public var callNumber: UInt32
  /// 0 to 3
  public var channel: UInt8
  public var seq: UInt32
  public var isFromClient: Bool
  public var isLast: Bool

  public init(callNumber: UInt32, channel: UInt8, seq: UInt32, isFromClient: Bool, isLast: Bool) {
    self.callNumber = callNumber
    self.channel = channel
    self.seq = seq
    self.isFromClient = isFromClient
    self.isLast = isLast
  }
}

/// A packet body that waits to be sealed.
public struct RxUnsealedPacket {
  /// As `RxPacketProtection.seal` wants it.
  public var body: UnsafeMutableRawBufferPointer
  public var payloadByteCount: Int
  public var identity: RxPacketIdentity

  @inlinable
  public init(body: UnsafeMutableRawBufferPointer, payloadByteCount: Int, identity: RxPacketIdentity) {
    self.body = body
    self.payloadByteCount = payloadByteCount
    self.identity = identity
  }
}

/// A packet body as it goes onto the wire.
public struct RxSealedPacket: Hashable, Sendable {
  /// Bytes of the body: header, payload, trailer.
  public var byteCount: Int
  /// For the packet header's checksum field.
  public var checksum: UInt16

  public init(byteCount: Int, checksum: UInt16) {
    self.byteCount = byteCount
    self.checksum = checksum
  }
}

/// A security class refused a packet, a challenge, a response or a connection.
public struct RxSecurityFailure: Error, Hashable, Sendable {
  /// What the peer is told.
  public var code: AbortCode
  /// What the log is told.
  public var reason: String

  public init(code: AbortCode, reason: String) {
    self.code = code
    self.reason = reason
  }
}

/// Protection of the DATA packets of one connection. Used by the endpoint's thread only.
///
/// A packet is sealed once, before its first transmission, and opened once, in the order of the stream, before any
/// byte of it reaches the application. Unopened bytes never do.
public protocol RxPacketProtection: AnyObject {
  /// Bytes that the class puts before each payload.
  var headerByteCount: Int { get }
  /// Bytes at most that it puts behind.
  var trailerByteCountMax: Int { get }

  /// Seals in place. `body` begins with `headerByteCount` free bytes, then `payloadByteCount` bytes of payload, then
  /// at least `trailerByteCountMax` free bytes.
  func seal(
    _ body: UnsafeMutableRawBufferPointer, payloadByteCount: Int, of packet: RxPacketIdentity
  ) -> RxSealedPacket

  /// Seals two packets; some ciphers do that in little more time than one.
  func seal(_ first: RxUnsealedPacket, _ second: RxUnsealedPacket) -> (RxSealedPacket, RxSealedPacket)

  /// Seals four packets.
  func seal(_ packets: [4 of RxUnsealedPacket]) -> [4 of RxSealedPacket]

  /// Checks and opens in place a body of any length and content.
  /// - Returns: where in `body` the payload lies.
  func open(
    _ body: UnsafeMutableRawBufferPointer, checksum: UInt16, of packet: RxPacketIdentity
  ) throws(RxSecurityFailure) -> Range<Int>
}

extension RxPacketProtection {
  public func seal(_ first: RxUnsealedPacket, _ second: RxUnsealedPacket) -> (RxSealedPacket, RxSealedPacket) {
    (
      seal(first.body, payloadByteCount: first.payloadByteCount, of: first.identity),
      seal(second.body, payloadByteCount: second.payloadByteCount, of: second.identity)
    )
  }

  public func seal(_ packets: [4 of RxUnsealedPacket]) -> [4 of RxSealedPacket] {
    let (first, second) = seal(packets[0], packets[1])
    let (third, fourth) = seal(packets[2], packets[3])
    return [first, second, third, fourth]
  }
}
