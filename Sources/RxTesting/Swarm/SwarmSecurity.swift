import AFSBase
import AFSTypes
import RxCore

/// A security class for the swarm: a challenge, and a check over every byte of a packet and its place.
///
/// Its check is an FNV hash with a key: good against a network that damages bytes, and against nobody else.
final class SwarmSecurity: RxClientSecurity, RxServerSecurity {
  let securityIndex: UInt8 = 5
  /// Calls after which a client's connection takes no more.
  let callsMax: Int

  init(callsMax: Int = .max) {
    self.callsMax = callsMax
  }

  func openConnection(_ context: RxSecurityContext) throws(RxSecurityFailure) -> any RxClientConnectionSecurity {
    SwarmConnectionSecurity(context, nonce: 0, packetsMax: callsMax)
  }

  func acceptConnection(_ context: RxSecurityContext, nonce: UInt64) -> any RxServerConnectionSecurity {
    SwarmConnectionSecurity(context, nonce: nonce, packetsMax: .max)
  }
}

final class SwarmConnectionSecurity: RxClientConnectionSecurity, RxServerConnectionSecurity {
  let headerByteCount = 8
  let trailerByteCountMax = 7
  private(set) var isAuthenticated = false
  private let seed: UInt64
  private let nonce: UInt64
  private let packetsMax: Int
  private var packets = 0

  init(_ context: RxSecurityContext, nonce: UInt64, packetsMax: Int) {
    seed = UInt64(context.epoch) << 32 | UInt64(context.cid)
    self.nonce = nonce
    self.packetsMax = packetsMax
  }

  var acceptsNewCalls: Bool { packets < packetsMax }

  private func hash(_ bytes: UnsafeRawBufferPointer, _ packet: RxPacketIdentity) -> UInt64 {
    var state: UInt64 = 0xCBF2_9CE4_8422_2325 ^ seed
    for part in [
      UInt64(packet.callNumber) << 32 | UInt64(packet.seq),
      UInt64(packet.channel) << 2 | (packet.isFromClient ? 2 : 0) | (packet.isLast ? 1 : 0),
    ] {
      state = (state ^ part) &* 0x0000_0100_0000_01B3
    }
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return state
  }

  func seal(
    _ body: UnsafeMutableRawBufferPointer, payloadByteCount: Int, of packet: RxPacketIdentity
  ) -> RxSealedPacket {
    packets += 1
    let padding = (8 - payloadByteCount % 8) % 8
    for offset in 0..<padding { body[8 + payloadByteCount + offset] = UInt8(padding) }
    body[0] = UInt8(padding)
    let end = 8 + payloadByteCount + padding
    body[7] = 0
    let sum = hash(UnsafeRawBufferPointer(rebasing: body[7..<end]), packet) ^ UInt64(padding)
    for byte in 0..<6 { body[1 + byte] = UInt8(truncatingIfNeeded: sum >> UInt64(8 * byte)) }
    return RxSealedPacket(byteCount: end, checksum: UInt16(truncatingIfNeeded: sum >> 48) | 1)
  }

  func open(
    _ body: UnsafeMutableRawBufferPointer, checksum: UInt16, of packet: RxPacketIdentity
  ) throws(RxSecurityFailure) -> Range<Int> {
    let failure = RxSecurityFailure(code: SwarmNode.securityCode, reason: "bad check")
    guard body.count >= 8, body[0] < 8, body.count - Int(body[0]) >= 8 else { throw failure }
    let sum = hash(UnsafeRawBufferPointer(rebasing: body[7...]), packet) ^ UInt64(body[0])
    for byte in 0..<6 where body[1 + byte] != UInt8(truncatingIfNeeded: sum >> UInt64(8 * byte)) { throw failure }
    guard checksum == UInt16(truncatingIfNeeded: sum >> 48) | 1 else { throw failure }
    return 8..<(body.count - Int(body[0]))
  }

  func respond(
    to challenge: UnsafeRawBufferPointer, callNumbers: [4 of UInt32]
  ) throws(RxSecurityFailure) -> [UInt8] {
    guard challenge.count == 8 else { throw RxSecurityFailure(code: SwarmNode.securityCode, reason: "bad challenge") }
    var bytes = challenge.map { $0 ^ 0x5A }
    for index in 0..<4 { withUnsafeBytes(of: callNumbers[index].bigEndian) { bytes.append(contentsOf: $0) } }
    let sum = bytes.withUnsafeBytes { hash($0, Self.responseIdentity) }
    withUnsafeBytes(of: sum) { bytes.append(contentsOf: $0) }
    return bytes + [UInt8](repeating: 7, count: 100)
  }

  func challenge() -> [UInt8] { withUnsafeBytes(of: nonce.bigEndian) { Array($0) } }

  func accept(response: UnsafeRawBufferPointer) throws(RxSecurityFailure) -> [4 of UInt32]? {
    guard response.count == 132, response.prefix(8).map({ $0 ^ 0x5A }) == challenge(),
      withUnsafeBytes(
        of: hash(UnsafeRawBufferPointer(rebasing: response[..<24]), Self.responseIdentity),
        { $0.elementsEqual(response[24..<32]) })
    else { throw RxSecurityFailure(code: SwarmNode.securityCode, reason: "bad response") }
    isAuthenticated = true
    var numbers: [4 of UInt32] = [0, 0, 0, 0]
    for index in 0..<4 {
      for byte in 0..<4 { numbers[index] = numbers[index] << 8 | UInt32(response[8 + index * 4 + byte]) }
    }
    return numbers
  }

  private static let responseIdentity = RxPacketIdentity(
    callNumber: 0, channel: 0, seq: 0, isFromClient: true, isLast: false)
}
