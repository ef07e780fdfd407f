import AFSBase
import AFSTypes

@testable import RxCore

/// Two endpoints, a client and a server, on a network which the input rules: it delivers, drops, repeats, changes and
/// forges datagrams, lets time pass, and uses calls in any order.
func fuzzEndpoint(_ input: UnsafeRawBufferPointer) {
  var reader = FuzzReader(input)
  var world = FuzzWorld(small: reader.byte())
  var steps = 0
  while !reader.isEmpty, steps < 4096 {
    world.step(&reader)
    steps += 1
  }
  world.finish()
}

/// The state of one run.
private struct FuzzWorld: ~Copyable {
  private struct Datagram {
    var bytes: [UInt8]
    var source: RxAddress
    /// 0 the client, 1 the server.
    var destination: Int
  }

  private static let addresses = [RxAddress(ipv4: 0x0A00_0001, port: 7001), RxAddress(ipv4: 0x0A00_0002, port: 7000)]
  private static let stranger = RxAddress(ipv4: 0x0A00_0003, port: 9)
  private static let inFlightMax = 128
  private static let callsMax = 32

  private var client: RxEndpoint
  private var server: RxEndpoint
  private var now = MonotonicTime.zero + .seconds(1000)
  private var inFlight: [Datagram] = []
  /// Calls which a side knows, and whether they have ended.
  private var calls: [[RxCallHandle]] = [[], []]
  private var ended: [Set<RxCallHandle>] = [[], []]
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)

  init(small: UInt8) {
    var configuration = RxEndpointConfiguration()
    if small & 1 != 0 { configuration.receiveWindow = 3 }
    if small & 2 != 0 { configuration.transmitWindow = 2 }
    if small & 4 != 0 { configuration.acceptQueueDepth = 1 }
    if small & 8 != 0 { configuration.serverConnectionsMax = 2 }
    if small & 16 != 0 { configuration.payloadMax = 64 }
    if small & 32 != 0 { configuration.halfOpenCallsMax = 1 }
    if small & 128 != 0 { (configuration.jumboTransmitMax, configuration.jumboReceiveMax) = (4, 4) }
    configuration.debugNetworks = [RxNetwork("10.0.0.0/8")!]
    client = RxEndpoint(configuration: configuration, seed: 1, now: now)
    server = RxEndpoint(configuration: configuration, seed: 2, now: now)
    server.register(service: ServiceID(1), checksReachability: small & 64 != 0)
    client.register(service: ServiceID(1))
  }

  deinit { buffer.deallocate() }

  mutating func step(_ reader: inout FuzzReader) {
    let side = Int(reader.byte() & 1)
    switch reader.byte() % 16 {
    case 0...3: deliver(at: reader.byte(), removes: true)
    case 4: deliver(at: reader.byte(), removes: false)
    case 5: if !inFlight.isEmpty { inFlight.remove(at: reader.index(below: inFlight.count)) }
    case 6: mutate(&reader)
    case 7: forge(&reader, to: side)
    case 8: pass(.milliseconds(1 << Int(reader.byte() % 18)))
    case 9: open(&reader, side)
    case 10, 11: write(&reader, side)
    case 12: read(&reader, side)
    case 13: end(&reader, side)
    case 14: raw(&reader, to: side)
    default: if side == 0 { pump(0) } else { receiveError(&reader) }
    }
    pump(0)
    pump(1)
  }

  /// All calls are given up, all time passes: nothing may be left but what lingers, and no call may end twice.
  mutating func finish() {
    inFlight = []
    releaseAll()
    for _ in 0..<100 { pass(.seconds(100)) }
    // Calls which were announced meanwhile.
    releaseAll()
    let left = [client.census, server.census]
    precondition(left.allSatisfy { $0.calls == 0 }, "calls are left: \(left)")
    precondition(
      left.allSatisfy { $0.peers == 0 && $0.blocksInUse == 0 && $0.timers == 0 }, "something is left: \(left)")
    client.shutDown(now: now)
    server.shutDown(now: now)
  }

  private mutating func releaseAll() {
    for side in 0...1 {
      for call in calls[side] { release(call, side) }
      calls[side] = []
      pump(side)
    }
  }

  // MARK: The network

  private mutating func deliver(at place: UInt8, removes: Bool) {
    guard !inFlight.isEmpty else { return }
    let index = Int(place) % inFlight.count
    let datagram = removes ? inFlight.remove(at: index) : inFlight[index]
    receive(datagram)
  }

  private mutating func receive(_ datagram: Datagram) {
    datagram.bytes.withUnsafeBytes { bytes in
      if datagram.destination == 0 {
        client.receive(bytes, from: datagram.source, now: now)
      } else {
        server.receive(bytes, from: datagram.source, now: now)
      }
    }
  }

  private mutating func mutate(_ reader: inout FuzzReader) {
    guard !inFlight.isEmpty else { return }
    var datagram = inFlight[reader.index(below: inFlight.count)]
    for _ in 0..<reader.index(below: 4) + 1 where !datagram.bytes.isEmpty {
      datagram.bytes[reader.index(below: min(datagram.bytes.count, 64))] = reader.byte()
    }
    if reader.byte() & 7 == 0 { datagram.bytes.removeLast(reader.index(below: datagram.bytes.count + 1)) }
    receive(datagram)
  }

  /// A datagram with a header whose fields are likely ones.
  private mutating func forge(_ reader: inout FuzzReader, to side: Int) {
    let choice = reader.byte()
    let isFromClient = choice & 1 != 0
    let owner = isFromClient ? 1 - side : side
    let epoch = choice & 2 != 0 ? reader.word() : owner == 0 ? client.epoch : server.epoch
    var cid = reader.word()
    if choice & 4 == 0, let known = inFlight.first?.bytes, known.count >= 8 {
      cid = UInt32(known[4]) << 24 | UInt32(known[5]) << 16 | UInt32(known[6]) << 8 | UInt32(known[7] & 0xFC) | cid & 3
    }
    let type = PacketType.allCases[reader.index(below: PacketType.allCases.count)]
    var flags = PacketFlags(rawValue: reader.byte())
    if isFromClient { flags.insert(.clientInitiated) } else { flags.remove(.clientInitiated) }
    let header = RxHeader(
      epoch: epoch, cid: cid, callNumber: CallNumber(UInt32(reader.byte() & 7)), seq: Seq(UInt32(reader.byte())),
      serial: Serial(UInt32(reader.byte())), type: type, flags: flags, securityIndex: reader.byte() & 3 == 3 ? 2 : 0,
      checksum: 0, serviceID: reader.byte() & 7 == 7 ? 2 : 1)
    var bytes = [UInt8](repeating: 0, count: RxHeader.byteCount)
    bytes.withUnsafeMutableBytes { header.write(to: $0.baseAddress!) }
    bytes += reader.bytes(Int(reader.byte()))
    if choice & 8 != 0 { bytes += Array(repeating: 1, count: 1412) }
    receive(
      Datagram(
        bytes: bytes, source: choice & 16 != 0 ? Self.stranger : Self.addresses[1 - side], destination: side))
  }

  private mutating func raw(_ reader: inout FuzzReader, to side: Int) {
    let bytes = reader.bytes(Int(reader.byte()))
    receive(Datagram(bytes: bytes, source: Self.addresses[1 - side], destination: side))
  }

  private mutating func receiveError(_ reader: inout FuzzReader) {
    let errno = Int32([111, 113, 90, 101][reader.index(below: 4)])
    if reader.byte() & 1 == 0 {
      client.receivedNetworkError(errno, from: Self.addresses[1], now: now)
    } else {
      server.receivedNetworkError(errno, from: Self.addresses[0], now: now)
    }
  }

  // MARK: Time

  private mutating func pass(_ duration: Duration) {
    let end = now + duration
    var turns = 0
    while let next = [client.nextTimeout, server.nextTimeout].compactMap({ $0 }).min(), next <= end {
      // A timer that does not move on would keep the thread busy for ever.
      if next > now { (now, turns) = (next, 0) } else { turns += 1 }
      precondition(turns < 1000, "a timer stands still")
      client.timeout(now: now)
      server.timeout(now: now)
      pump(0)
      pump(1)
    }
    now = end
  }

  // MARK: Calls

  private mutating func open(_ reader: inout FuzzReader, _ side: Int) {
    guard calls[side].count < Self.callsMax else { return }
    let target = RxTarget(peer: Self.addresses[1 - side], service: ServiceID(reader.byte() & 15 == 15 ? 2 : 1))
    let limit = reader.byte()
    let options = RxCallOptions(
      deadline: limit & 3 == 3 ? .seconds(Int(limit)) : nil, idleTime: limit & 12 == 12 ? .seconds(30) : nil)
    calls[side].append(
      side == 0
        ? client.openCall(to: target, options: options, now: now)
        : server.openCall(to: target, options: options, now: now))
  }

  private mutating func write(_ reader: inout FuzzReader, _ side: Int) {
    guard !calls[side].isEmpty else { return }
    let call = calls[side][reader.index(below: calls[side].count)]
    let shape = reader.byte()
    let bytes = [UInt8](repeating: shape, count: Int(shape >> 1) * (shape & 1 == 0 ? 1 : 100))
    let mode = reader.byte()
    bytes.withUnsafeBytes { bytes in
      let taken =
        side == 0
        ? client.write(call, bytes, isLast: mode & 1 != 0, now: now)
        : server.write(call, bytes, isLast: mode & 1 != 0, now: now)
      precondition(taken <= bytes.count)
    }
    if mode & 6 == 6 { if side == 0 { client.flush(call, now: now) } else { server.flush(call, now: now) } }
  }

  private mutating func read(_ reader: inout FuzzReader, _ side: Int) {
    guard !calls[side].isEmpty else { return }
    let call = calls[side][reader.index(below: calls[side].count)]
    let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(Int(reader.byte()) * 16)])
    let count =
      side == 0 ? client.read(call, into: room, now: now).count : server.read(call, into: room, now: now).count
    precondition(count <= room.count)
  }

  private mutating func end(_ reader: inout FuzzReader, _ side: Int) {
    guard !calls[side].isEmpty else { return }
    let index = reader.index(below: calls[side].count)
    let call = calls[side][index]
    if reader.byte() & 1 == 0 {
      if side == 0 { client.abort(call, .rxUserAbort, now: now) } else { server.abort(call, .rxUserAbort, now: now) }
    } else {
      release(call, side)
      calls[side].remove(at: index)
    }
  }

  private mutating func release(_ call: RxCallHandle, _ side: Int) {
    if side == 0 { client.release(call, now: now) } else { server.release(call, now: now) }
  }

  // MARK: Output

  private mutating func pump(_ side: Int) {
    var sent = 0
    while let transmit = side == 0
      ? client.nextTransmit(into: buffer, now: now) : server.nextTransmit(into: buffer, now: now)
    {
      sent += 1
      precondition(sent < 10_000, "output without end")
      precondition(transmit.byteCount <= buffer.count && transmit.segmentSize > 0)
      guard let destination = Self.addresses.firstIndex(of: transmit.destination) else { continue }
      for start in stride(from: 0, to: transmit.byteCount, by: transmit.segmentSize)
      where inFlight.count < Self.inFlightMax {
        let end = min(start + transmit.segmentSize, transmit.byteCount)
        inFlight.append(
          Datagram(bytes: Array(buffer[start..<end]), source: Self.addresses[side], destination: destination))
      }
    }
    while let event = side == 0 ? client.nextEvent() : server.nextEvent() { note(event, side) }
  }

  private mutating func note(_ event: RxEvent, _ side: Int) {
    switch event {
    case .incoming(let call, _):
      if calls[side].count < Self.callsMax { calls[side].append(call) } else { release(call, side) }
    case .completed(let call, _):
      precondition(ended[side].insert(call).inserted, "a call ended twice")
    case .readable, .writable: break
    }
  }
}
