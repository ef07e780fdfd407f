public import AFSBase
import AFSTypes
public import RxCore

/// rxkad's server side with the keys of a service (OpenAFS src/rxkad/rxkad_server.c).
public final class RxkadServerSecurity: RxServerSecurity {
  public var securityIndex: UInt8 { RxkadClientSecurity.index }
  private let keys: RxkadServerKeys
  private let minimumLevel: RxkadLevel
  private let clock: @Sendable () -> WallTime

  /// - Parameters:
  ///   - minimumLevel: clients that come with less are refused with RXKADLEVELFAIL.
  ///   - clock: calendar time; it is asked on the thread of the endpoint.
  public init(keys: RxkadServerKeys, minimumLevel: RxkadLevel = .clear, clock: @escaping @Sendable () -> WallTime) {
    self.keys = keys
    self.minimumLevel = minimumLevel
    self.clock = clock
  }

  public func acceptConnection(_ context: RxSecurityContext, nonce: UInt64) -> any RxServerConnectionSecurity {
    RxkadServerConnection(
      context: context, keys: keys, minimumLevel: minimumLevel, challengeID: UInt32(truncatingIfNeeded: nonce),
      clock: clock)
  }
}

/// The server's side of one connection under rxkad.
final class RxkadServerConnection: RxServerConnectionSecurity {
  private let context: RxSecurityContext
  private let keys: RxkadServerKeys
  private let minimumLevel: RxkadLevel
  private let sentChallenge: RxkadChallenge
  private let clock: @Sendable () -> WallTime
  /// nil until the client is known.
  private var packets: RxkadPacketProtection?
  private(set) var authentication: RxAuthentication?

  init(
    context: RxSecurityContext, keys: RxkadServerKeys, minimumLevel: RxkadLevel, challengeID: UInt32,
    clock: @escaping @Sendable () -> WallTime
  ) {
    self.context = context
    self.keys = keys
    self.minimumLevel = minimumLevel
    self.clock = clock
    sentChallenge = RxkadChallenge(
      version: context.peerSendsChecksums ? .two : .old, id: challengeID, level: minimumLevel.rawValue)
  }

  // MARK: Authentication

  var isAuthenticated: Bool { packets != nil }

  func challenge() -> [UInt8] { sentChallenge.bytes }

  func accept(response body: UnsafeRawBufferPointer) throws(RxSecurityFailure) -> [4 of UInt32]? {
    let response = try RxkadResponse(body, version: sentChallenge.version)
    let now = clock()
    let ticket = try RxkadTicket.open(
      UnsafeRawBufferPointer(rebasing: body[response.ticketRange]), keyVersion: response.keyVersion, keys: keys,
      now: now)
    try ticket.checkTimes(now: now)
    let key = FcryptKey(ticket.sessionKey)
    let sealed = try response.opened(body, key: key)
    let level = try check(sealed)
    packets = RxkadPacketProtection(
      key: key, level: level, context: context, takesMissingChecksums: !context.peerSendsChecksums)
    authentication = RxAuthentication(principal: ticket.client, level: level.rawValue, expires: ticket.ends)
    return sealed.endpoint == nil ? nil : sealed.callNumbers
  }

  /// Whether the response answers this challenge of this connection.
  private func check(_ sealed: RxkadResponse.Sealed) throws(RxSecurityFailure) -> RxkadLevel {
    if let endpoint = sealed.endpoint {
      guard endpoint == RxkadEndpointIdentity(context) else {
        throw RxSecurityFailure(code: .rxkadSealedInconsistent, reason: "a response belongs to another connection")
      }
      for channel in 0..<4 where sealed.callNumbers[channel] > UInt32(Int32.max) {
        throw RxSecurityFailure(code: .rxkadSealedInconsistent, reason: "a response has impossible call numbers")
      }
    }
    guard sealed.incrementedID == sentChallenge.id &+ 1 else {
      throw RxSecurityFailure(code: .rxkadOutOfSequence, reason: "a response answers another challenge")
    }
    guard let level = RxkadLevel(rawValue: sealed.level), level >= minimumLevel else {
      throw RxSecurityFailure(
        code: .rxkadLevelFail, reason: "a client offers level \(sealed.level), the server demands \(minimumLevel)")
    }
    return level
  }

  // MARK: Packets

  var headerByteCount: Int { packets.map { RxkadPacketProtection.headerByteCount($0.level) } ?? 0 }
  var trailerByteCountMax: Int { packets.map { RxkadPacketProtection.trailerByteCountMax($0.level) } ?? 0 }

  /// Only replies are sealed, and calls begin after authentication.
  func seal(
    _ body: UnsafeMutableRawBufferPointer, payloadByteCount: Int, of packet: RxPacketIdentity
  ) -> RxSealedPacket {
    guard let packets else { return RxSealedPacket(byteCount: 0, checksum: 0) }
    return packets.seal(body, payloadByteCount: payloadByteCount, of: packet)
  }

  func seal(_ first: RxUnsealedPacket, _ second: RxUnsealedPacket) -> (RxSealedPacket, RxSealedPacket) {
    guard let packets else {
      return (RxSealedPacket(byteCount: 0, checksum: 0), RxSealedPacket(byteCount: 0, checksum: 0))
    }
    return packets.seal(first, second)
  }

  func seal(_ four: [4 of RxUnsealedPacket]) -> [4 of RxSealedPacket] {
    let none = RxSealedPacket(byteCount: 0, checksum: 0)
    return packets?.seal(four) ?? [none, none, none, none]
  }

  func open(
    _ body: UnsafeMutableRawBufferPointer, checksum: UInt16, of packet: RxPacketIdentity
  ) throws(RxSecurityFailure) -> Range<Int> {
    guard packets != nil, let expires = authentication?.expires else {
      throw RxSecurityFailure(code: .rxkadNoAuth, reason: "a packet came before its client was known")
    }
    guard clock().seconds < expires else {
      throw RxSecurityFailure(code: .rxkadExpired, reason: "a client's ticket has expired")
    }
    return try packets!.open(body, checksum: checksum, of: packet)
  }
}
