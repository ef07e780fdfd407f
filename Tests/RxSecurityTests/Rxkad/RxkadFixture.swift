import AFSBase
import AFSTypes
import RxCore

@testable import RxSecurity

/// A service with keys of each kind, its clients' credentials, and one connection between them.
struct RxkadFixture {
  static let now: Int64 = 1_800_000_000
  static let clock: @Sendable () -> WallTime = { WallTime(seconds: now) }
  static let sessionKey = SecretBytes([0x13, 0x34, 0x57, 0x79, 0x9B, 0xBC, 0xDF, 0xF1])
  static let aesKey = SecretBytes((1...32).map { UInt8($0) })
  static let smallAESKey = SecretBytes((1...16).map { UInt8($0) })
  static let desKey = SecretBytes([0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF])

  /// What tickets are encrypted as.
  enum Kind: CaseIterable, Sendable {
    case native, des, desMD4, desMD5, aes128, aes256, aes128SHA2, aes256SHA2, encryptedPart

    var enctype: Int32 {
      switch self {
      case .native, .des: 1
      case .desMD4: 2
      case .desMD5: 3
      case .aes128: 17
      case .aes256, .encryptedPart: 18
      case .aes128SHA2: 19
      case .aes256SHA2: 20
      }
    }

    var serverKey: SecretBytes {
      switch self {
      case .native, .des, .desMD4, .desMD5: desKey
      case .aes128, .aes128SHA2: smallAESKey
      case .aes256, .aes256SHA2, .encryptedPart: aesKey
      }
    }
  }

  static let keys: RxkadServerKeys = {
    var keys = RxkadServerKeys()
    keys.add(desKey, version: 7, enctype: 1)
    keys.add(smallAESKey, version: 7, enctype: 17)
    keys.add(aesKey, version: 7, enctype: 18)
    keys.add(smallAESKey, version: 7, enctype: 19)
    keys.add(aesKey, version: 7, enctype: 20)
    return keys
  }()

  /// - Parameters:
  ///   - starts: seconds from `now`.
  ///   - ends: seconds from `now`.
  static func credential(
    _ kind: Kind = .aes256, client: [String] = ["alice"], starts: Int64 = -60, ends: Int64 = 36000,
    keyVersion: UInt32 = 7, isInvalid: Bool = false, serverKey: SecretBytes? = nil, knowsExpiry: Bool = true
  ) -> RxkadCredential {
    let expires = knowsExpiry ? WallTime(seconds: now + ends) : nil
    if kind == .native {
      let ticket = RxkadTicket(
        client: RxPrincipal(name: client[0], instance: client.count > 1 ? client[1] : "", cell: "MOCK.EXAMPLE"),
        sessionKey: sessionKey, starts: now + starts, ends: now + ends)
      return RxkadCredential(
        keyVersion: keyVersion, sessionKey: sessionKey,
        ticket: NativeTicket.seal(ticket, server: RxPrincipal(name: "afs", cell: ""), key: serverKey ?? desKey)!,
        expires: expires)
    }
    var request = KerberosTicketRequest(
      realm: "MOCK.EXAMPLE", client: client, service: ["afs", "mock.example"], sessionKeyType: 1,
      sessionKey: sessionKey, starts: now + starts, ends: now + ends)
    request.isInvalid = isInvalid
    var generator = SeededGenerator(seed: 5)
    let ticket = KerberosTicket.seal(
      request, key: serverKey ?? kind.serverKey, keyVersion: keyVersion, enctype: kind.enctype,
      isWhole: kind != .encryptedPart, using: &generator)!
    return RxkadCredential(
      keyVersion: kind == .encryptedPart ? RxkadCredential.kerberos5EncryptedPart : RxkadCredential.kerberos5,
      sessionKey: sessionKey, ticket: ticket, expires: expires)
  }

  static func context(cid: UInt32 = 0x1234_5670, epoch: UInt32 = 0x8765_4321, sendsChecksums: Bool = true)
    -> RxSecurityContext
  {
    RxSecurityContext(
      epoch: epoch, cid: cid, service: ServiceID(1), securityIndex: 2, peer: RxAddress(ipv4: 0x0A00_0001, port: 7000),
      peerSendsChecksums: sendsChecksums)
  }

  let client: any RxClientConnectionSecurity
  let server: any RxServerConnectionSecurity

  init(
    _ credential: RxkadCredential = credential(), level: RxkadLevel = .crypt, minimum: RxkadLevel = .clear,
    clientContext: RxSecurityContext = context(), serverContext: RxSecurityContext = context(), nonce: UInt64 = 99,
    serverTime: @escaping @Sendable () -> WallTime = clock
  ) throws {
    client = try RxkadClientSecurity(credential, level: level, clock: Self.clock).openConnection(clientContext)
    server = RxkadServerSecurity(keys: Self.keys, minimumLevel: minimum, clock: serverTime).acceptConnection(
      serverContext, nonce: nonce)
  }

  static let callNumbers: [4 of UInt32] = [1, 0, 0, 0]

  func response(to challenge: [UInt8]? = nil) throws(RxSecurityFailure) -> [UInt8] {
    try Self.respond(client, challenge ?? server.challenge())
  }

  static func respond(
    _ client: any RxClientConnectionSecurity, _ challenge: [UInt8]
  ) throws(RxSecurityFailure) -> [UInt8] {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: challenge.count, alignment: 8)
    defer { copy.deallocate() }
    copy.copyBytes(from: challenge)
    return try client.respond(to: UnsafeRawBufferPointer(copy), callNumbers: callNumbers)
  }

  @discardableResult
  func accept(_ response: [UInt8]) throws(RxSecurityFailure) -> [4 of UInt32]? {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: response.count, alignment: 8)
    defer { copy.deallocate() }
    copy.copyBytes(from: response)
    return try server.accept(response: UnsafeRawBufferPointer(copy))
  }

  /// Challenge and response.
  func authenticate() throws { try accept(try response()) }

  // MARK: Packets

  static func identity(
    call: UInt32 = 1, channel: UInt8 = 0, seq: UInt32 = 1, isFromClient: Bool = true
  ) -> RxPacketIdentity {
    RxPacketIdentity(callNumber: call, channel: channel, seq: seq, isFromClient: isFromClient, isLast: false)
  }

  struct Sealed: Equatable {
    var body: [UInt8]
    var checksum: UInt16
  }

  static func seal(_ payload: [UInt8], _ side: any RxPacketProtection, _ identity: RxPacketIdentity) -> Sealed {
    var body = [UInt8](repeating: 0xAA, count: side.headerByteCount + payload.count + side.trailerByteCountMax)
    body.replaceSubrange(side.headerByteCount..<(side.headerByteCount + payload.count), with: payload)
    let sealed = body.withUnsafeMutableBytes { side.seal($0, payloadByteCount: payload.count, of: identity) }
    return Sealed(body: Array(body[..<sealed.byteCount]), checksum: sealed.checksum)
  }

  static func open(
    _ sealed: Sealed, _ side: any RxPacketProtection, _ identity: RxPacketIdentity
  ) throws(RxSecurityFailure) -> [UInt8] {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: sealed.body.count, alignment: 8)
    defer { copy.deallocate() }
    copy.copyBytes(from: sealed.body)
    let range = try side.open(copy, checksum: sealed.checksum, of: identity)
    return Array(copy[range])
  }
}

/// The code that something fails with; nil when it does not.
func failureCode(_ body: () throws -> Void) -> AbortCode? {
  do {
    try body()
    return nil
  } catch {
    return (error as? RxSecurityFailure)?.code
  }
}
