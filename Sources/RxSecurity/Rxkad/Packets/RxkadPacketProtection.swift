import AFSTypes
import RxCore

/// The key and the level of one connection, applied to its DATA packets (OpenAFS src/rxkad/rxkad_common.c,
/// rxkad_PreparePacket and rxkad_CheckPacket).
struct RxkadPacketProtection {
  let key: FcryptKey
  let level: RxkadLevel
  /// What makes packet checksums of this connection differ from those of others under the same key.
  private let checksumVector: FcryptBlock
  /// Peers of the old protocol may leave checksums out, until they have sent the first.
  private var takesMissingChecksums: Bool
  private var hasSeenChecksum = false

  static let blockByteCount = FcryptKey.blockByteCount

  init(key: FcryptKey, level: RxkadLevel, context: RxSecurityContext, takesMissingChecksums: Bool) {
    self.key = key
    self.level = level
    self.takesMissingChecksums = takesMissingChecksums
    checksumVector = RxkadEndpointIdentity(context).checksumVector(key)
  }

  /// The peer turned out to speak the old protocol.
  mutating func takeMissingChecksums() { takesMissingChecksums = true }

  // MARK: Sizes

  /// auth: a word of check and length. crypt: as well a word that is zero.
  static func headerByteCount(_ level: RxkadLevel) -> Int {
    switch level {
    case .clear: 0
    case .auth: 4
    case .crypt: 8
    }
  }

  /// Padding: auth fills up to one block, crypt to whole blocks.
  static func trailerByteCountMax(_ level: RxkadLevel) -> Int {
    switch level {
    case .clear: 0
    case .auth: 4
    case .crypt: 7
    }
  }

  // MARK: Sealing

  func seal(
    _ body: UnsafeMutableRawBufferPointer, payloadByteCount: Int, of packet: RxPacketIdentity
  ) -> RxSealedPacket {
    let count = prepare(body, payloadByteCount: payloadByteCount, of: packet)
    switch level {
    case .clear: break
    case .auth:
      key.encrypted(FcryptBlock(loading: body.baseAddress!)).store(to: body.baseAddress!)
    case .crypt:
      key.encryptChained(UnsafeMutableRawBufferPointer(rebasing: body[..<count]), vector: key.vector)
    }
    return RxSealedPacket(byteCount: count, checksum: checksum(of: packet))
  }

  /// Two packets cost little more than one: see `FcryptKey.encryptChained`.
  func seal(_ first: RxUnsealedPacket, _ second: RxUnsealedPacket) -> (RxSealedPacket, RxSealedPacket) {
    guard level == .crypt else {
      return (
        seal(first.body, payloadByteCount: first.payloadByteCount, of: first.identity),
        seal(second.body, payloadByteCount: second.payloadByteCount, of: second.identity)
      )
    }
    let count1 = prepare(first.body, payloadByteCount: first.payloadByteCount, of: first.identity)
    let count2 = prepare(second.body, payloadByteCount: second.payloadByteCount, of: second.identity)
    key.encryptChained(
      UnsafeMutableRawBufferPointer(rebasing: first.body[..<count1]),
      UnsafeMutableRawBufferPointer(rebasing: second.body[..<count2]), vector: key.vector)
    return (
      RxSealedPacket(byteCount: count1, checksum: checksum(of: first.identity)),
      RxSealedPacket(byteCount: count2, checksum: checksum(of: second.identity))
    )
  }

  func seal(_ packets: [4 of RxUnsealedPacket]) -> [4 of RxSealedPacket] {
    guard level == .crypt else {
      let (first, second) = seal(packets[0], packets[1])
      let (third, fourth) = seal(packets[2], packets[3])
      return [first, second, third, fourth]
    }
    func prepared(_ packet: RxUnsealedPacket) -> UnsafeMutableRawBufferPointer {
      let count = prepare(packet.body, payloadByteCount: packet.payloadByteCount, of: packet.identity)
      return UnsafeMutableRawBufferPointer(rebasing: packet.body[..<count])
    }
    let (first, second) = (prepared(packets[0]), prepared(packets[1]))
    let (third, fourth) = (prepared(packets[2]), prepared(packets[3]))
    key.encryptChained(first, second, third, fourth, vector: key.vector)
    return [
      RxSealedPacket(byteCount: first.count, checksum: checksum(of: packets[0].identity)),
      RxSealedPacket(byteCount: second.count, checksum: checksum(of: packets[1].identity)),
      RxSealedPacket(byteCount: third.count, checksum: checksum(of: packets[2].identity)),
      RxSealedPacket(byteCount: fourth.count, checksum: checksum(of: packets[3].identity)),
    ]
  }

  /// Writes header and padding.
  /// - Returns: the size of the whole.
  private func prepare(
    _ body: UnsafeMutableRawBufferPointer, payloadByteCount: Int, of packet: RxPacketIdentity
  ) -> Int {
    let used = Self.headerByteCount(level) + payloadByteCount
    let count: Int
    switch level {
    case .clear: return payloadByteCount
    case .auth: count = max(used, Self.blockByteCount)
    case .crypt: count = (used + Self.blockByteCount - 1) & ~(Self.blockByteCount - 1)
    }
    let word = UInt32(Self.check(packet)) << 16 | UInt32(truncatingIfNeeded: payloadByteCount & 0xFFFF)
    body.storeBytes(of: word.bigEndian, toByteOffset: 0, as: UInt32.self)
    if level == .crypt { body.storeBytes(of: 0, toByteOffset: 4, as: UInt32.self) }
    for offset in used..<count { body[offset] = 0 }
    return count
  }

  // MARK: Opening

  mutating func open(
    _ body: UnsafeMutableRawBufferPointer, checksum received: UInt16, of packet: RxPacketIdentity
  ) throws(RxSecurityFailure) -> Range<Int> {
    let isExcused = received == 0 && takesMissingChecksums && !hasSeenChecksum
    guard isExcused || received == checksum(of: packet) else {
      throw RxSecurityFailure(code: .rxkadSealedInconsistent, reason: "a packet's header checksum is wrong")
    }
    if received != 0 { hasSeenChecksum = true }
    guard level != .clear else { return 0..<body.count }
    let headerByteCount = Self.headerByteCount(level)
    guard let start = body.baseAddress, body.count >= Self.blockByteCount else {
      throw RxSecurityFailure(code: .rxkadSealedInconsistent, reason: "a packet is shorter than its security header")
    }
    if level == .auth {
      key.decrypted(FcryptBlock(loading: start)).store(to: start)
    } else {
      guard body.count.isMultiple(of: Self.blockByteCount) else {
        throw RxSecurityFailure(code: .rxkadSealedInconsistent, reason: "an encrypted packet has no whole blocks")
      }
      key.decryptChained(body, vector: key.vector)
    }
    let word = UInt32(bigEndian: body.loadUnaligned(as: UInt32.self))
    guard UInt16(word >> 16) == Self.check(packet) else {
      throw RxSecurityFailure(code: .rxkadSealedInconsistent, reason: "a packet's sealed check is wrong")
    }
    let count = Int(word & 0xFFFF)
    guard count <= body.count - headerByteCount else {
      throw RxSecurityFailure(code: .rxkadDataLength, reason: "a packet's sealed length exceeds the packet")
    }
    return headerByteCount..<(headerByteCount + count)
  }

  // MARK: Checks

  /// Sealed into auth and crypt packets.
  @inline(__always)
  private static func check(_ packet: RxPacketIdentity) -> UInt16 {
    UInt16(truncatingIfNeeded: packet.seq ^ packet.callNumber)
  }

  /// The 16 bits in the packet's own header: call, channel and seq under the key. Never zero, which means none.
  @inline(__always)
  func checksum(of packet: RxPacketIdentity) -> UInt16 {
    let place = UInt32(packet.channel & 3) << 30 | packet.seq & 0x3FFF_FFFF
    let block = FcryptBlock(left: packet.callNumber.bigEndian, right: place.bigEndian) ^ checksumVector
    let sum = UInt16(truncatingIfNeeded: key.encrypted(block).right.bigEndian >> 16)
    return sum == 0 ? 1 : sum
  }
}
