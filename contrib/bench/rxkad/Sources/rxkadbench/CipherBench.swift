import AFSBase
import AFSTypes
import Glibc
import RxCore
import RxSecurity

/// Megabytes of payload a second that one thread seals and opens, headers and checksums included, beside memcpy.
enum CipherBench {
  static let payload = 1400
  static let rounds = 60_000

  static func run() {
    let copies = seconds { memcpyRun() }
    report("memcpy", copies)
    for level in [RxkadLevel.clear, .auth, .crypt] {
      guard let (client, server) = try? connection(level) else { return print("no connection") }
      report("seal one by one, \(level)", seconds { sealSingly(client) })
      report("seal in pairs, \(level)", seconds { sealInPairs(client) })
      report("seal in fours, \(level)", seconds { sealInFours(client) })
      report("open, \(level)", openSeconds(client, server))
    }
  }

  static func connection(
    _ level: RxkadLevel
  ) throws -> (any RxClientConnectionSecurity, any RxServerConnectionSecurity) {
    let clock: @Sendable () -> WallTime = { WallTime(seconds: 1_800_000_000) }
    let key = SecretBytes([0x13, 0x34, 0x57, 0x79, 0x9B, 0xBC, 0xDF, 0xF1])
    let ticket = NativeTicket.seal(
      RxkadTicket(
        client: RxPrincipal(name: "bench", cell: ""), sessionKey: key, starts: 1_799_999_000, ends: 1_800_030_000),
      server: RxPrincipal(name: "afs", cell: ""), key: key)!
    var keys = RxkadServerKeys()
    keys.add(key, version: 1, enctype: 1)
    let context = RxSecurityContext(
      epoch: 1, cid: 4, service: ServiceID(1), securityIndex: 2, peer: RxAddress(ipv4: 0x7F00_0001, port: 7000))
    let client = try RxkadClientSecurity(
      RxkadCredential(keyVersion: 1, sessionKey: key, ticket: ticket), level: level, clock: clock
    ).openConnection(context)
    let server = RxkadServerSecurity(keys: keys, clock: clock).acceptConnection(context, nonce: 1)
    let response = try server.challenge().withUnsafeBytes { try client.respond(to: $0, callNumbers: [1, 0, 0, 0]) }
    _ = try response.withUnsafeBytes { try server.accept(response: $0) }
    return (client, server)
  }

  static func seconds(_ body: () -> Void) -> Double {
    var start = timespec()
    var end = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start)
    body()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end)
    return Double(end.tv_sec - start.tv_sec) + Double(end.tv_nsec - start.tv_nsec) / 1e9
  }

  static func report(_ what: String, _ seconds: Double) {
    let rate = Double(payload * rounds) / seconds / 1e6
    print("\(what): \(Int(rate)) MB/s, \(Int(seconds * 1e9 / Double(rounds))) ns a packet")
  }

  static func identity(_ seq: Int) -> RxPacketIdentity {
    RxPacketIdentity(
      callNumber: 1, channel: 0, seq: UInt32(truncatingIfNeeded: seq + 1), isFromClient: true, isLast: false)
  }

  static func memcpyRun() {
    let (a, b) = (buffer(1), buffer(1))
    for _ in 0..<rounds { memcpy(a.baseAddress!, b.baseAddress!, payload) }
    a.deallocate()
    b.deallocate()
  }

  static func buffer(_ count: Int) -> UnsafeMutableRawBufferPointer {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1536 * count, alignment: 64)
    for index in buffer.indices { buffer[index] = UInt8(truncatingIfNeeded: index) }
    return buffer
  }

  static func sealSingly(_ side: any RxPacketProtection) {
    let body = buffer(1)
    for seq in 0..<rounds { _ = side.seal(body, payloadByteCount: payload, of: identity(seq)) }
    body.deallocate()
  }

  static func sealInPairs(_ side: any RxPacketProtection) {
    let (a, b) = (buffer(1), buffer(1))
    for seq in stride(from: 0, to: rounds, by: 2) {
      _ = side.seal(
        RxUnsealedPacket(body: a, payloadByteCount: payload, identity: identity(seq)),
        RxUnsealedPacket(body: b, payloadByteCount: payload, identity: identity(seq + 1)))
    }
    a.deallocate()
    b.deallocate()
  }

  static func sealInFours(_ side: any RxPacketProtection) {
    let (a, b, c, d) = (buffer(1), buffer(1), buffer(1), buffer(1))
    for seq in stride(from: 0, to: rounds, by: 4) {
      _ = side.seal([
        RxUnsealedPacket(body: a, payloadByteCount: payload, identity: identity(seq)),
        RxUnsealedPacket(body: b, payloadByteCount: payload, identity: identity(seq + 1)),
        RxUnsealedPacket(body: c, payloadByteCount: payload, identity: identity(seq + 2)),
        RxUnsealedPacket(body: d, payloadByteCount: payload, identity: identity(seq + 3)),
      ])
    }
    for body in [a, b, c, d] { body.deallocate() }
  }

  /// Each packet is sealed anew before it is opened; only the opening is timed.
  static func openSeconds(_ client: any RxPacketProtection, _ server: any RxPacketProtection) -> Double {
    let batch = 1000
    let bodies = (0..<batch).map { _ in buffer(1) }
    var total = 0.0
    for first in stride(from: 0, to: rounds, by: batch) {
      let sealed = bodies.enumerated().map { index, body in
        client.seal(body, payloadByteCount: payload, of: identity(first + index))
      }
      total += seconds {
        for (index, body) in bodies.enumerated() {
          let range = try? server.open(
            UnsafeMutableRawBufferPointer(rebasing: body[..<sealed[index].byteCount]),
            checksum: sealed[index].checksum, of: identity(first + index))
          precondition(range?.count == payload)
        }
      }
    }
    for body in bodies { body.deallocate() }
    return total
  }
}
