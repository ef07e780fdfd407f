import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// A packet that the endpoint sent, taken apart.
struct SentPacket: CustomStringConvertible {
  var header: RxHeader
  var body: [UInt8]
  var destination: RxAddress

  var type: PacketType? { PacketType(rawValue: header.type) }

  struct Ack: Equatable {
    var reason: AckReason
    var first: UInt32
    /// One sign per packet: A received, - missing.
    var soft = ""
  }

  var ack: Ack? {
    guard type == .ack else { return nil }
    return body.withUnsafeBytes { bytes in
      guard let ack = ReceivedAck(bytes), let reason = AckReason(rawValue: ack.reason) else { return nil }
      return Ack(
        reason: reason, first: ack.firstPacket.rawValue,
        soft: String(ack.softAcks.map { $0 & 1 != 0 ? "A" : "-" }))
    }
  }

  var ackSerial: UInt32? { type == .ack ? body.withUnsafeBytes { ReceivedAck($0)?.serial.rawValue } : nil }
  var trailer: AckTrailer? { type == .ack ? body.withUnsafeBytes { ReceivedAck($0)?.trailer } : nil }
  var abortCode: Int32? {
    type == .abort ? body.withUnsafeBytes { Int32(bitPattern: $0.uint32(at: 0)) } : nil
  }

  var description: String {
    if let ack { return "ack(\(ack.reason), first \(ack.first), \(ack.soft))" }
    return "\(type.map { "\($0)" } ?? "?") seq \(header.seq) call \(header.callNumber) flags \(header.flags.rawValue)"
  }
}

/// One endpoint and a hand-made peer: packets in and out at given times.
final class PacketDialogue {
  static let peerAddress = RxAddress(ipv4: 0x0A00_0002, port: 7000)
  static let service = ServiceID(1)

  var endpoint: RxEndpoint
  private(set) var now = MonotonicTime(nanoseconds: 1_000_000_000)
  private(set) var peer = PacketDialogue.peerAddress
  /// What the peer puts into its headers.
  var epoch: UInt32
  var cid: UInt32
  var callNumber: UInt32
  private(set) var isPeerServer: Bool
  /// The last that the peer has used.
  var peerSerial: UInt32 = 0
  private(set) var events: [RxEvent] = []
  /// The call of the dialogue, once there is one.
  var call: RxCallHandle?
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 8)
  deinit { buffer.deallocate() }

  private init(isPeerServer: Bool, configuration: RxEndpointConfiguration) {
    endpoint = RxEndpoint(configuration: configuration, seed: 7, now: now)
    self.isPeerServer = isPeerServer
    epoch = 0x8000_0001
    cid = 0x1234_5670
    callNumber = 1
  }

  /// We call; the peer serves. The request is one packet of `requestCount` bytes, and has been sent.
  static func calling(
    requestCount: Int = 16, options: RxCallOptions = RxCallOptions(),
    configuration: RxEndpointConfiguration = RxEndpointConfiguration()
  ) -> PacketDialogue {
    let dialogue = PacketDialogue(isPeerServer: true, configuration: configuration)
    dialogue.open(options: options)
    _ = dialogue.write(requestCount, isLast: true)
    return dialogue
  }

  /// We call; nothing has been written yet.
  static func opening(
    options: RxCallOptions = RxCallOptions(), configuration: RxEndpointConfiguration = RxEndpointConfiguration(),
    peer: RxAddress = peerAddress
  ) -> PacketDialogue {
    let dialogue = PacketDialogue(isPeerServer: true, configuration: configuration)
    dialogue.peer = peer
    dialogue.open(options: options)
    return dialogue
  }

  /// The peer calls; we serve. Its address counts as proven, but where that is what is tested.
  static func serving(
    configuration: RxEndpointConfiguration = RxEndpointConfiguration(), trustsAddresses: Bool = true
  ) -> PacketDialogue {
    var configuration = configuration
    configuration.trustsAddresses = trustsAddresses
    let dialogue = PacketDialogue(isPeerServer: false, configuration: configuration)
    dialogue.endpoint.register(service: service)
    return dialogue
  }

  /// The peer serves, and nothing has been asked of it yet.
  func asServer() -> PacketDialogue {
    isPeerServer = true
    epoch = endpoint.epoch
    return self
  }

  func open(options: RxCallOptions = RxCallOptions()) {
    let handle = endpoint.openCall(
      to: RxTarget(peer: peer, service: Self.service), options: options, now: now)
    call = handle
    let index = endpoint.calls.index(of: handle.rawValue)!
    let connection = endpoint.calls[index].connection
    epoch = endpoint.epoch
    cid = endpoint.connections[connection].cid | UInt32(endpoint.calls[index].channel)
    callNumber = endpoint.calls[index].callNumber.rawValue
  }

  // MARK: Our side

  func write(_ count: Int, isLast: Bool) -> Int {
    let bytes = [UInt8](repeating: 0x5A, count: count)
    return bytes.withUnsafeBytes { endpoint.write(call!, $0, isLast: isLast, now: now) }
  }

  /// Reads at most `count` bytes.
  func read(_ count: Int = 1 << 20) -> (count: Int, isAtEnd: Bool) {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)
    defer { bytes.deallocate() }
    return endpoint.read(call!, into: bytes, now: now)
  }

  /// Moves time to `milliseconds` after the beginning, firing timers on the way.
  func wait(until milliseconds: Int) {
    let end = MonotonicTime(nanoseconds: 1_000_000_000 + Int64(milliseconds) * 1_000_000)
    var steps = 0
    while let next = endpoint.nextTimeout, next <= end {
      now = max(now, next)
      endpoint.timeout(now: now)
      steps += 1
      precondition(steps < 10_000, "the endpoint's timers do not come to rest")
      if endpoint.hasDatagrams { break }
    }
    if !endpoint.hasDatagrams || now > end { now = max(now, end) }
    collectEvents()
  }

  /// Moves time on, taking what is sent on the way.
  func sent(until milliseconds: Int) -> [SentPacket] {
    let end = MonotonicTime(nanoseconds: 1_000_000_000 + Int64(milliseconds) * 1_000_000)
    var packets = sent()
    while now < end {
      wait(until: milliseconds)
      packets += sent()
    }
    return packets
  }

  /// Everything that the endpoint wants to send now.
  func sent() -> [SentPacket] {
    collectEvents()
    var packets: [SentPacket] = []
    while let transmit = endpoint.nextTransmit(into: buffer, now: now) {
      var offset = 0
      while offset < transmit.byteCount {
        let end = min(offset + transmit.segmentSize, transmit.byteCount)
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[offset..<end])
        packets.append(
          SentPacket(
            header: RxHeader(bytes)!, body: [UInt8](bytes.dropping(RxHeader.byteCount)),
            destination: transmit.destination))
        offset = end
      }
    }
    return packets
  }

  /// What the endpoint wants to send now, as the driver sees it.
  func transmits() -> [RxTransmit] {
    collectEvents()
    var transmits: [RxTransmit] = []
    while let transmit = endpoint.nextTransmit(into: buffer, now: now) { transmits.append(transmit) }
    return transmits
  }

  func collectEvents() {
    while let event = endpoint.nextEvent() {
      if case .incoming(let handle, _) = event { call = handle }
      events.append(event)
    }
  }

  /// The events since the last look.
  func takeEvents() -> [RxEvent] {
    collectEvents()
    defer { events = [] }
    return events
  }

  // MARK: The peer's side

  func peerHeader(_ type: PacketType, seq: UInt32 = 0, flags: PacketFlags = []) -> RxHeader {
    peerSerial += 1
    return RxHeader(
      epoch: epoch, cid: cid, callNumber: CallNumber(callNumber), seq: Seq(seq), serial: Serial(peerSerial), type: type,
      flags: isPeerServer ? flags : flags.union(.clientInitiated), securityIndex: 0, serviceID: Self.service.rawValue)
  }

  func peerSends(_ header: RxHeader, _ body: [UInt8]) {
    var bytes = [UInt8](repeating: 0, count: RxHeader.byteCount)
    bytes.withUnsafeMutableBytes { header.write(to: $0.baseAddress!) }
    receive(bytes + body)
  }

  func receive(_ bytes: [UInt8], from source: RxAddress? = nil) {
    bytes.withUnsafeBytes { endpoint.receive($0, from: source ?? peer, now: now) }
  }

  @discardableResult
  func peerSendsData(seq: UInt32, flags: PacketFlags = [], count: Int = 100) -> Serial {
    let header = peerHeader(.data, seq: seq, flags: flags)
    peerSends(header, [UInt8](repeating: UInt8(truncatingIfNeeded: seq), count: count))
    return header.serial
  }

  func peerSendsAck(
    _ reason: AckReason, first: UInt32, soft: String = "", serial: UInt32 = 0, window: UInt32 = 32,
    jumbo: UInt32 = 1, flags: PacketFlags = []
  ) {
    var body = [UInt8](repeating: 0, count: OutgoingAck.byteCount(softAckCount: soft.utf8.count))
    body.withUnsafeMutableBytes { bytes in
      for (offset, sign) in soft.enumerated() { bytes[ReceivedAck.fixedByteCount + offset] = sign == "A" ? 1 : 0 }
      OutgoingAck(
        firstPacket: Seq(first), previousPacket: Seq(first &- 1), serial: Serial(serial), reason: reason,
        trailer: AckTrailer(maxMTU: 1444, interfaceMTU: 1444, receiveWindow: window, packetsPerDatagram: jumbo)
      ).write(to: bytes.baseAddress!, softAckCount: soft.utf8.count)
    }
    peerSends(peerHeader(.ack, flags: flags), body)
  }

  func peerAborts(_ code: Int32, callNumber number: UInt32? = nil) {
    var header = peerHeader(.abort)
    header.callNumber = CallNumber(number ?? callNumber)
    peerSends(header, withUnsafeBytes(of: code.bigEndian) { Array($0) })
  }
}

extension RxEndpoint {
  /// Something waits to be sent.
  var hasDatagrams: Bool { !datagrams.isEmpty || !sendQueue.isEmpty }
}
