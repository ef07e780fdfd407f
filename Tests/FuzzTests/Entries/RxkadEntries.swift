import AFSBase
import AFSTypes
import RxCore

@testable import RxSecurity

/// What rxkad reads from peers: challenges, responses, tickets, packets. Everything must be refused in order or taken.
///
/// Most of it lies under checksums, which no mutation gets past: so each function also takes what lies beneath, and
/// seals it as somebody who knows the key would.
private enum FuzzedRxkad {
  static let clock: @Sendable () -> WallTime = { WallTime(seconds: 1_800_000_000) }
  static let nonce: UInt32 = 99
  static let key = SecretBytes([0x13, 0x34, 0x57, 0x79, 0x9B, 0xBC, 0xDF, 0xF1])
  static let fcryptKey = FcryptKey(key)
  static let keys: RxkadServerKeys = {
    var keys = RxkadServerKeys()
    keys.add(key, version: 7, enctype: 1)
    keys.add(SecretBytes((1...32).map { UInt8($0) }), version: 7, enctype: 18)
    return keys
  }()
  static let ticket = NativeTicket.seal(
    RxkadTicket(
      client: RxPrincipal(name: "alice", cell: ""), sessionKey: key, starts: 1_799_999_000, ends: 1_800_030_000),
    server: RxPrincipal(name: "afs", cell: ""), key: key)!
  static let credential = RxkadCredential(keyVersion: 7, sessionKey: key, ticket: ticket)

  static func context(_ sendsChecksums: Bool = true) -> RxSecurityContext {
    RxSecurityContext(
      epoch: 0x8765_4321, cid: 0x1234_5670, service: ServiceID(1), securityIndex: 2,
      peer: RxAddress(ipv4: 0x0A00_0001, port: 7000), peerSendsChecksums: sendsChecksums)
  }

  static func client(_ level: RxkadLevel) -> any RxClientConnectionSecurity {
    guard let security = try? RxkadClientSecurity(credential, level: level, clock: clock),
      let connection = try? security.openConnection(context())
    else { preconditionFailure("a good credential is refused") }
    return connection
  }

  static func server(_ sendsChecksums: Bool) -> any RxServerConnectionSecurity {
    RxkadServerSecurity(keys: keys, clock: clock).acceptConnection(context(sendsChecksums), nonce: UInt64(nonce))
  }
}

extension UnsafeRawBufferPointer {
  /// The first byte, and a copy of the rest that ends where its memory does.
  fileprivate func choosing(_ body: (UInt8, UnsafeMutableRawBufferPointer) -> Void) {
    guard let first else { return }
    let rest = UnsafeMutableRawBufferPointer.allocate(byteCount: count - 1, alignment: 8)
    defer { rest.deallocate() }
    rest.copyBytes(from: dropFirst())
    body(first, rest)
  }
}

/// The first byte chooses our level.
func fuzzRxkadChallenge(_ input: UnsafeRawBufferPointer) {
  input.choosing { choice, challenge in
    let client = FuzzedRxkad.client(RxkadLevel(rawValue: UInt32(choice % 3))!)
    guard
      let response = try? client.respond(to: UnsafeRawBufferPointer(challenge), callNumbers: [1, 2, 3, 4])
    else { return }
    precondition(response.count >= RxkadResponse.oldFixedByteCount + FuzzedRxkad.ticket.count)
  }
}

/// The first byte chooses the protocol's version, and whether the bytes are the response or what it vouches for.
func fuzzRxkadResponse(_ input: UnsafeRawBufferPointer) {
  input.choosing { choice, body in
    let isTwo = choice & 1 == 0
    let server = FuzzedRxkad.server(isTwo)
    guard choice & 2 == 2 else {
      _ = try? server.accept(response: UnsafeRawBufferPointer(body))
      precondition(server.isAuthenticated == (server.authentication != nil))
      return
    }
    var reader = FuzzReader(UnsafeRawBufferPointer(body))
    let sealed = RxkadResponse.Sealed(
      endpoint: isTwo
        ? RxkadEndpointIdentity(epoch: reader.word(), cid: reader.word(), securityIndex: reader.word()) : nil,
      callNumbers: [reader.word(), reader.word(), reader.word(), reader.word()], incrementedID: reader.word(),
      level: reader.word())
    let response = RxkadResponse.bytes(
      sealed, version: isTwo ? .two : .old, key: FuzzedRxkad.fcryptKey, credential: FuzzedRxkad.credential)
    _ = try? response.withUnsafeBytes { try server.accept(response: $0) }
    let isRight =
      (!isTwo || sealed.endpoint == RxkadEndpointIdentity(FuzzedRxkad.context()))
      && (!isTwo || (0..<4).allSatisfy { sealed.callNumbers[$0] <= UInt32(Int32.max) })
      && sealed.incrementedID == FuzzedRxkad.nonce + 1 && sealed.level <= 2
    precondition(server.isAuthenticated == isRight)
    precondition(server.authentication?.principal.name == (isRight ? "alice" : nil))
  }
}

/// The first byte chooses what kind of ticket it is, and whether the bytes are what is found after decryption.
func fuzzRxkadTicket(_ input: UnsafeRawBufferPointer) {
  input.choosing { choice, ticket in
    let bytes = UnsafeRawBufferPointer(ticket)
    let now = FuzzedRxkad.clock()
    var opened: RxkadTicket?
    switch choice % 5 {
    case 0: opened = try? RxkadTicket.open(bytes, keyVersion: 256, keys: FuzzedRxkad.keys, now: now)
    case 1: opened = try? RxkadTicket.open(bytes, keyVersion: 213, keys: FuzzedRxkad.keys, now: now)
    case 2: opened = try? RxkadTicket.open(bytes, keyVersion: 7, keys: FuzzedRxkad.keys, now: now)
    case 3: opened = try? NativeTicket.parse(Array(bytes))
    default: opened = try? KerberosTicketContents(bytes).ticket(now: now)
    }
    guard let opened else { return }
    precondition(opened.sessionKey.count == RxkadCredential.sessionKeyByteCount && !opened.client.name.isEmpty)
    guard (try? opened.checkTimes(now: now)) != nil else { return }
    precondition(opened.starts < opened.ends)
  }
}

/// A packet opens to bytes that lie within it, or not at all. The first byte chooses the level, and whether the bytes
/// are the packet or what it is before encryption.
func fuzzRxkadPacket(_ input: UnsafeRawBufferPointer) {
  input.choosing { choice, body in
    let level = RxkadLevel(rawValue: UInt32(choice % 3))!
    let client = FuzzedRxkad.client(level)
    let identity = RxPacketIdentity(
      callNumber: 1, channel: choice >> 2 & 3, seq: UInt32(choice >> 4 & 7), isFromClient: false, isLast: false)
    // Without the right checksum nothing else would be looked at.
    let empty = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
    defer { empty.deallocate() }
    let checksum = client.seal(empty, payloadByteCount: 0, of: identity).checksum
    if choice & 0x80 != 0, body.count >= RxkadPacketProtection.blockByteCount {
      let key = FuzzedRxkad.fcryptKey
      let count = level == .crypt ? body.count : RxkadPacketProtection.blockByteCount
      key.encryptChained(
        UnsafeMutableRawBufferPointer(rebasing: body[..<count]),
        vector: level == .crypt ? key.vector : FcryptBlock(left: 0, right: 0))
    }
    guard let payload = try? client.open(body, checksum: checksum, of: identity) else { return }
    precondition(payload.lowerBound >= 0 && payload.upperBound <= body.count)
  }
}

extension FuzzEntry {
  /// Good input of each kind by entry, to begin a corpus with.
  static let rxkadSeeds: [(entry: String, bytes: [UInt8])] = challengeSeeds + responseSeeds + ticketSeeds + packetSeeds

  private static var challengeSeeds: [(String, [UInt8])] {
    [RxkadChallenge.Version.old, .two].map {
      ("rxkad-challenge", [2] + RxkadChallenge(version: $0, id: FuzzedRxkad.nonce, level: 0).bytes)
    }
  }

  private static var responseSeeds: [(String, [UInt8])] {
    let sealed = [1, 0, 0, 0, FuzzedRxkad.nonce + 1, 2]
    return [(RxkadChallenge.Version.two, UInt8(0)), (.old, 1)].flatMap { version, choice in
      let challenge = RxkadChallenge(version: version, id: FuzzedRxkad.nonce, level: 0).bytes
      let response = challenge.withUnsafeBytes {
        try? FuzzedRxkad.client(.crypt).respond(to: $0, callNumbers: [1, 0, 0, 0])
      }
      let identity: [UInt32] = version == .two ? [0x8765_4321, 0x1234_5670, 2] : []
      let words = (identity + sealed).flatMap { word in
        stride(from: UInt32(24), through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) }
      }
      return [("rxkad-response", [choice] + (response ?? [])), ("rxkad-response", [choice | 2] + words)]
    }
  }

  private static var ticketSeeds: [(String, [UInt8])] {
    var generator = SeededGenerator(seed: 5)
    let request = KerberosTicketRequest(
      realm: "R", client: ["alice", "admin"], service: ["afs", "c"], sessionKeyType: 1, sessionKey: FuzzedRxkad.key,
      starts: 1_799_999_000, ends: 1_800_030_000)
    let kerberos = [true, false].map { isWhole in
      KerberosTicket.seal(
        request, key: SecretBytes((1...32).map { UInt8($0) }), keyVersion: 7, enctype: 18, isWhole: isWhole,
        using: &generator)!.withUnsafeBytes { Array($0) }
    }
    let contents = KerberosTicketContents(
      isInvalid: false, keyType: 1, key: FuzzedRxkad.key, realm: "R", components: ["alice"], starts: 1_799_999_000,
      ends: 1_800_030_000)
    let native =
      [0] + Array("alice\0\0\0".utf8) + [0, 0, 0, 0] + [UInt8](repeating: 5, count: 8) + [100, 107, 73, 206, 24]
      + Array("afs\0\0".utf8) + [0]
    return [
      ("rxkad-ticket", [0] + kerberos[0]), ("rxkad-ticket", [1] + kerberos[1]),
      ("rxkad-ticket", [2] + FuzzedRxkad.ticket.withUnsafeBytes { Array($0) }), ("rxkad-ticket", [3] + native),
      ("rxkad-ticket", [4] + contents.bytes),
    ]
  }

  private static var packetSeeds: [(String, [UInt8])] {
    RxkadLevel.allCases.flatMap { level -> [(String, [UInt8])] in
      var body = [UInt8](repeating: 0x41, count: 64)
      let identity = RxPacketIdentity(callNumber: 1, channel: 0, seq: 0, isFromClient: false, isLast: false)
      let sealed = body.withUnsafeMutableBytes {
        FuzzedRxkad.client(level).seal($0, payloadByteCount: 24, of: identity)
      }
      let choice = UInt8(level.rawValue)
      // Before encryption: sealed check and length, then the data. 129, 130, 128: the levels again.
      let clear: [UInt8] = [0, 1, 0, 8] + [UInt8](repeating: 0, count: 12)
      return [
        ("rxkad-packet", [choice] + body[..<sealed.byteCount]), ("rxkad-packet", [0x80 + (choice + 1) % 3] + clear),
      ]
    }
  }
}
