public import AFSBase
import AFSTypes
public import RxCore

/// rxkad's client side with one credential at one level: index 2 (OpenAFS src/rxkad/rxkad_client.c).
///
/// Connections are shared by what is registered, so equal credentials and levels should share one object.
public final class RxkadClientSecurity: RxClientSecurity {
  /// RX_SECIDX_KAD (OpenAFS src/rx/rx.h).
  public static let index: UInt8 = 2

  public var securityIndex: UInt8 { Self.index }
  public let credential: RxkadCredential
  public let level: RxkadLevel
  private let limits: RxkadLimits
  private let clock: @Sendable () -> WallTime
  private let key: FcryptKey

  /// - Parameter clock: calendar time; it is asked on the thread of the endpoint.
  /// - Throws: RXKADBADKEY or RXKADTICKETLEN for a credential that no server would take.
  public init(
    _ credential: RxkadCredential, level: RxkadLevel, limits: RxkadLimits = RxkadLimits(),
    clock: @escaping @Sendable () -> WallTime
  ) throws(RxSecurityFailure) {
    guard credential.sessionKey.count == RxkadCredential.sessionKeyByteCount else {
      throw RxSecurityFailure(
        code: .rxkadBadKey, reason: "an rxkad session key has 8 bytes, not \(credential.sessionKey.count)")
    }
    guard RxkadCredential.ticketByteCounts.contains(credential.ticket.count) else {
      throw RxSecurityFailure(
        code: .rxkadTicketLength, reason: "no server takes a ticket of \(credential.ticket.count) bytes")
    }
    self.credential = credential
    self.level = level
    self.limits = limits
    self.clock = clock
    key = FcryptKey(credential.sessionKey)
  }

  public func openConnection(
    _ context: RxSecurityContext
  ) throws(RxSecurityFailure) -> any RxClientConnectionSecurity {
    let now = clock()
    if let expires = credential.expires, now >= expires {
      throw RxSecurityFailure(code: .rxkadExpired, reason: "the token has expired")
    }
    return RxkadClientConnection(
      credential: credential, key: key, level: level, context: context, limits: limits, clock: clock, now: now)
  }
}

/// The client's side of one connection under rxkad.
final class RxkadClientConnection: RxClientConnectionSecurity {
  private let credential: RxkadCredential
  private let key: FcryptKey
  private let identity: RxkadEndpointIdentity
  private var packets: RxkadPacketProtection
  private let byteCountMax: UInt64
  /// No new calls from then on.
  private let endsAt: WallTime
  private let clock: @Sendable () -> WallTime
  private var byteCount: UInt64 = 0

  init(
    credential: RxkadCredential, key: FcryptKey, level: RxkadLevel, context: RxSecurityContext, limits: RxkadLimits,
    clock: @escaping @Sendable () -> WallTime, now: WallTime
  ) {
    self.credential = credential
    self.key = key
    self.clock = clock
    identity = RxkadEndpointIdentity(context)
    packets = RxkadPacketProtection(key: key, level: level, context: context, takesMissingChecksums: false)
    byteCountMax = limits.byteCountMax
    let aged = WallTime(seconds: now.seconds + limits.age.components.seconds, nanoseconds: now.nanoseconds)
    endsAt = min(aged, credential.expires ?? aged)
  }

  var headerByteCount: Int { RxkadPacketProtection.headerByteCount(packets.level) }
  var trailerByteCountMax: Int { RxkadPacketProtection.trailerByteCountMax(packets.level) }

  var acceptsNewCalls: Bool { byteCount < byteCountMax && clock() < endsAt }

  func seal(
    _ body: UnsafeMutableRawBufferPointer, payloadByteCount: Int, of packet: RxPacketIdentity
  ) -> RxSealedPacket {
    byteCount &+= UInt64(payloadByteCount)
    return packets.seal(body, payloadByteCount: payloadByteCount, of: packet)
  }

  func seal(_ first: RxUnsealedPacket, _ second: RxUnsealedPacket) -> (RxSealedPacket, RxSealedPacket) {
    byteCount &+= UInt64(first.payloadByteCount + second.payloadByteCount)
    return packets.seal(first, second)
  }

  func seal(_ four: [4 of RxUnsealedPacket]) -> [4 of RxSealedPacket] {
    for index in 0..<4 { byteCount &+= UInt64(four[index].payloadByteCount) }
    return packets.seal(four)
  }

  func open(
    _ body: UnsafeMutableRawBufferPointer, checksum: UInt16, of packet: RxPacketIdentity
  ) throws(RxSecurityFailure) -> Range<Int> {
    byteCount &+= UInt64(body.count)
    return try packets.open(body, checksum: checksum, of: packet)
  }

  func respond(
    to challenge: UnsafeRawBufferPointer, callNumbers: [4 of UInt32]
  ) throws(RxSecurityFailure) -> [UInt8] {
    let challenge = try RxkadChallenge(challenge)
    guard challenge.level <= packets.level.rawValue else {
      throw RxSecurityFailure(
        code: .rxkadLevelFail,
        reason: "the server demands level \(RxkadLevel(rawValue: challenge.level)?.description ?? "unknown"),"
          + " the connection has \(packets.level)")
    }
    for channel in 0..<4 where callNumbers[channel] > UInt32(Int32.max) {
      throw RxSecurityFailure(code: .rxkadInconsistency, reason: "a connection has run out of call numbers")
    }
    if challenge.version == .old { packets.takeMissingChecksums() }
    return RxkadResponse.bytes(
      RxkadResponse.Sealed(
        endpoint: identity, callNumbers: callNumbers, incrementedID: challenge.id &+ 1, level: packets.level.rawValue),
      version: challenge.version, key: key, credential: credential)
  }
}
