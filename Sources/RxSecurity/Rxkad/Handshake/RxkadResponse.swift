import AFSBase
import AFSTypes
import RxCore

/// The body of a RESPONSE packet (OpenAFS src/rxkad/private_data.h, struct rxkad_v2ChallengeResponse and
/// rxkad_oldChallengeResponse): what the client vouches for, encrypted with the session key, then the ticket which the
/// server finds that key in.
struct RxkadResponse {
  /// version, spare; 40 encrypted bytes; key version, ticket length.
  static let fixedByteCount = 56
  /// 8 encrypted bytes; key version, ticket length.
  static let oldFixedByteCount = 16

  /// What lies under the session key.
  struct Sealed: Hashable {
    /// nil in the old form.
    var endpoint: RxkadEndpointIdentity?
    var callNumbers: [4 of UInt32] = [0, 0, 0, 0]
    /// The challenge's number plus one.
    var incrementedID: UInt32
    var level: UInt32

    static func == (a: Sealed, b: Sealed) -> Bool {
      a.endpoint == b.endpoint && a.incrementedID == b.incrementedID && a.level == b.level
        && (0..<4).allSatisfy { a.callNumbers[$0] == b.callNumbers[$0] }
    }

    func hash(into hasher: inout Hasher) {
      hasher.combine(endpoint)
      hasher.combine(incrementedID)
    }
  }

  let version: RxkadChallenge.Version
  var keyVersion: UInt32
  /// Where the ticket lies in the body.
  let ticketRange: Range<Int>

  // MARK: Making

  /// - Returns: the whole body.
  static func bytes(
    _ sealed: Sealed, version: RxkadChallenge.Version, key: FcryptKey, credential: RxkadCredential
  ) -> [UInt8] {
    var bytes = version == .two ? fixedPart(sealed, key, credential) : oldFixedPart(sealed, key, credential)
    credential.ticket.withUnsafeBytes { bytes.append(contentsOf: $0) }
    return bytes
  }

  private static func fixedPart(_ sealed: Sealed, _ key: FcryptKey, _ credential: RxkadCredential) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(fixedByteCount + credential.ticket.count)
    let endpoint = sealed.endpoint ?? RxkadEndpointIdentity(epoch: 0, cid: 0, securityIndex: 0)
    for word in [RxkadChallenge.versionNumber, 0, endpoint.epoch, endpoint.cid, 0, endpoint.securityIndex] {
      bytes.append(word: word)
    }
    for channel in 0..<4 { bytes.append(word: sealed.callNumbers[channel]) }
    for word in [sealed.incrementedID, sealed.level, credential.keyVersion, UInt32(credential.ticket.count)] {
      bytes.append(word: word)
    }
    let checksum = bytes.withUnsafeBytes { Self.checksum($0) }
    bytes.withUnsafeMutableBytes { bytes in
      bytes.storeBytes(of: checksum.bigEndian, toByteOffset: checksumOffset, as: UInt32.self)
      key.encryptChained(UnsafeMutableRawBufferPointer(rebasing: bytes[sealedRange]), vector: key.vector)
    }
    return bytes
  }

  private static func oldFixedPart(_ sealed: Sealed, _ key: FcryptKey, _ credential: RxkadCredential) -> [UInt8] {
    var bytes: [UInt8] = []
    let block = key.encrypted(FcryptBlock(left: sealed.incrementedID.bigEndian, right: sealed.level.bigEndian))
    for word in [
      block.left.bigEndian, block.right.bigEndian, credential.keyVersion, UInt32(credential.ticket.count),
    ] { bytes.append(word: word) }
    return bytes
  }

  // MARK: Reading

  private static let sealedRange = 8..<48
  private static let checksumOffset = 16

  /// - Throws: RXKADPACKETSHORT, RXKADTICKETLEN.
  init(_ body: UnsafeRawBufferPointer, version: RxkadChallenge.Version) throws(RxSecurityFailure) {
    let fixed = version == .two ? Self.fixedByteCount : Self.oldFixedByteCount
    guard body.count >= fixed else {
      throw RxSecurityFailure(code: .rxkadPacketShort, reason: "a response has only \(body.count) bytes")
    }
    self.version = version
    keyVersion = body.word(fixed / 4 - 2)
    let ticketByteCount = Int(body.word(fixed / 4 - 1))
    guard RxkadCredential.ticketByteCounts.contains(ticketByteCount) else {
      throw RxSecurityFailure(
        code: .rxkadTicketLength, reason: "a response has a ticket of \(ticketByteCount) bytes, which is out of bounds")
    }
    guard body.count >= fixed + ticketByteCount, version == .two || body.count == fixed + ticketByteCount else {
      throw RxSecurityFailure(code: .rxkadPacketShort, reason: "a response ends within its ticket")
    }
    ticketRange = fixed..<(fixed + ticketByteCount)
  }

  /// Opens the part under the session key.
  /// - Throws: RXKADSEALEDINCON when its checksum is wrong, which it is under another key.
  func opened(_ body: UnsafeRawBufferPointer, key: FcryptKey) throws(RxSecurityFailure) -> Sealed {
    guard version == .two else {
      let block = key.decrypted(FcryptBlock(loading: body.baseAddress!))
      return Sealed(incrementedID: block.left.bigEndian, level: block.right.bigEndian)
    }
    var copy = [UInt8](body[..<Self.fixedByteCount])
    let sealed = copy.withUnsafeMutableBytes { bytes -> Sealed? in
      key.decryptChained(UnsafeMutableRawBufferPointer(rebasing: bytes[Self.sealedRange]), vector: key.vector)
      let opened = UnsafeRawBufferPointer(bytes)
      let received = opened.word(Self.checksumOffset / 4)
      bytes.storeBytes(of: 0, toByteOffset: Self.checksumOffset, as: UInt32.self)
      let expected = Self.checksum(opened)
      defer { ConstantTime.wipe(bytes) }
      guard Self.areEqual(received, expected) else { return nil }
      return Sealed(
        endpoint: RxkadEndpointIdentity(epoch: opened.word(2), cid: opened.word(3), securityIndex: opened.word(5)),
        callNumbers: [opened.word(6), opened.word(7), opened.word(8), opened.word(9)],
        incrementedID: opened.word(10), level: opened.word(11))
    }
    guard let sealed else {
      throw RxSecurityFailure(
        code: .rxkadSealedInconsistent, reason: "a response's checksum is wrong: it was made with another key")
    }
    return sealed
  }

  private static func areEqual(_ a: UInt32, _ b: UInt32) -> Bool {
    withUnsafeBytes(of: a) { a in withUnsafeBytes(of: b) { b in ConstantTime.areEqual(a, b) } }
  }

  /// Over the fixed part in the clear, its own place zero (OpenAFS src/rxkad/rxkad_common.c,
  /// rxkad_CksumChallengeResponse).
  private static func checksum(_ fixedPart: UnsafeRawBufferPointer) -> UInt32 {
    fixedPart.prefix(fixedByteCount).reduce(UInt32(1_000_003)) { sum, byte in sum &* 0x1020_4081 &+ UInt32(byte) }
  }
}
