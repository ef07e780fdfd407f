import AFSBase

/// The bodies of answers to DEBUG packets: C structures of OpenAFS's src/rx/rx.h, all numbers in network order.
enum DebugAnswers {
  /// The latest version of the structures (RX_DEBUGI_VERSION).
  static let version = UInt8(ascii: "S")

  /// struct rx_debugStats.
  static func basics(callsExecuted: UInt64, waitingCalls: Int, blocksFree: Int, blocks: Int) -> [UInt8] {
    var body = DebugBody(count: 56)
    body.put(clamped: blocksFree, at: 0)
    body.put(clamped: callsExecuted, at: 8)
    body.put(byte: version, at: 14)
    body.put(clamped: waitingCalls, at: 16)
    body.put(clamped: blocks, at: 28)
    return body.bytes
  }

  /// Of a connection's channel (RX_STATE_*, RX_MODE_*, RX_OTHER_*).
  struct Channel {
    var state: UInt8 = 0
    var mode: UInt8 = 0
    var other: UInt8 = 0
  }

  /// struct rx_debugConn.
  static func connection(
    _ connection: RxTables.Connection, channels: [Channel], payloadMax: Int, isAuthenticated: Bool
  ) -> [UInt8] {
    var body = DebugBody(count: 176)
    body.put(connection.peer.ipv4 ?? 0, at: 0)
    body.put(connection.cid, at: 4)
    body.put(connection.serial, at: 8)
    for (index, number) in connection.callNumbers.prefix(4).enumerated() { body.put(number, at: 12 + 4 * index) }
    body.put(short: connection.peer.port, at: 32)
    // RX_CLIENT_CONNECTION 0, RX_SERVER_CONNECTION 1.
    body.put(byte: connection.isOutgoing ? 0 : 1, at: 35)
    body.put(byte: connection.securityIndex, at: 36)
    for (index, channel) in channels.prefix(4).enumerated() {
      body.put(byte: channel.state, at: 40 + index)
      body.put(byte: channel.mode, at: 44 + index)
      body.put(byte: channel.other, at: 52 + index)
    }
    // struct rx_securityObjectStats: RX_SECTYPE_NULL 1, RX_SECTYPE_KAD 3, RX_SECTYPE_GK 4.
    body.put(byte: [0: 1, 2: 3, 4: 4][connection.securityIndex] ?? 0, at: 56)
    // 2: authenticated.
    if connection.securityIndex != 0, isAuthenticated { body.put(2, at: 68) }
    body.put(connection.epoch, at: 132)
    body.put(clamped: payloadMax + RxHeader.byteCount, at: 136)
    return body.bytes
  }

  /// After the last connection (cid) or peer (host).
  static func end(ofConnections: Bool) -> [UInt8] {
    var body = DebugBody(count: ofConnections ? 176 : 132)
    body.put(.max, at: ofConnections ? 4 : 0)
    return body.bytes
  }

  /// struct rx_debugPeer.
  static func peer(_ peer: RxTables.Peer) -> [UInt8] {
    var body = DebugBody(count: 132)
    let packet = UInt16(clamping: peer.payloadMax + RxHeader.byteCount)
    body.put(peer.address.ipv4 ?? 0, at: 0)
    body.put(short: peer.address.port, at: 4)
    body.put(short: packet, at: 6)
    body.put(short: UInt16(clamping: peer.connectionCount), at: 12)
    // Milliseconds times 8, and their variation times 4.
    if let roundTrip = peer.roundTrip { body.put(clamped: roundTrip.wholeNanoseconds * 8 / 1_000_000, at: 24) }
    body.put(clamped: peer.roundTripVariation.wholeNanoseconds * 4 / 1_000_000, at: 28)
    // The timeout (32 to 39) stays zero, as OpenAFS's: its rxdebug sets it to zero when it reads it (src/rx/rx.c,
    // rx_GetServerPeers).
    body.put(clamped: peer.traffic.packetsSent, at: 40)
    body.put(clamped: peer.traffic.packetsResent, at: 44)
    body.put(short: packet, at: 60)
    body.put(short: packet, at: 62)
    body.put(short: 1, at: 64)
    body.put(short: 1, at: 66)
    body.put(short: packet, at: 68)
    body.put(short: UInt16(clamping: peer.congestionWindow ?? 0), at: 70)
    body.put(short: 1, at: 72)
    body.put(long: peer.traffic.bytesSent, at: 76)
    body.put(long: peer.traffic.bytesReceived, at: 84)
    return body.bytes
  }

  /// struct rx_statistics: 71 words.
  static func statistics(_ packets: RxPacketCounts, _ traffic: RxTraffic, _ census: RxEndpointCensus) -> [UInt8] {
    var body = DebugBody(count: 71 * 4)
    func put(_ value: UInt64, word: Int) { body.put(clamped: value, at: word * 4) }
    put(packets.received[0], word: 5)
    for type in 1...13 {
      put(packets.received[type], word: 10 + type)
      put(packets.sent[type], word: 27 + type)
    }
    put(packets.received[1], word: 24)
    put(packets.received[2], word: 25)
    put(packets.sent[2], word: 41)
    put(packets.sent[4], word: 43)
    put(packets.sent[3], word: 44)
    put(packets.sent[1] &- min(packets.sent[1], traffic.packetsResent), word: 45)
    put(traffic.packetsResent, word: 46)
    put(UInt64(census.serverConnections), word: 56)
    put(UInt64(census.clientConnections), word: 57)
    put(UInt64(census.peers), word: 58)
    put(UInt64(census.calls), word: 59)
    put(packets.sent[3], word: 66)
    return body.bytes
  }

  static var badType: [UInt8] {
    var body = DebugBody(count: DebugQuestion.byteCount)
    body.put(DebugQuestion.badType, at: 0)
    body.put(DebugQuestion.badType, at: 4)
    return body.bytes
  }
}

/// Bytes with numbers at fixed places.
private struct DebugBody {
  private(set) var bytes: [UInt8]

  init(count: Int) { bytes = Array(repeating: 0, count: count) }

  mutating func put(byte: UInt8, at offset: Int) { bytes[offset] = byte }

  mutating func put(short: UInt16, at offset: Int) {
    bytes[offset] = UInt8(short >> 8)
    bytes[offset + 1] = UInt8(truncatingIfNeeded: short)
  }

  mutating func put(_ word: UInt32, at offset: Int) {
    put(short: UInt16(word >> 16), at: offset)
    put(short: UInt16(truncatingIfNeeded: word), at: offset + 2)
  }

  /// Readers take words as signed.
  mutating func put(clamped value: some BinaryInteger, at offset: Int) {
    put(UInt32(bitPattern: Int32(clamping: value)), at: offset)
  }

  mutating func put(long: UInt64, at offset: Int) {
    put(UInt32(long >> 32), at: offset)
    put(UInt32(truncatingIfNeeded: long), at: offset + 4)
  }
}
