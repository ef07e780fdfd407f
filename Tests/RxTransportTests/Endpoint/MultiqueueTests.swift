import AFSBase
import AFSTypes
import CLinuxShims
import Glibc
import Logging
import RxCore
import Testing

@testable import RxTransport

extension LoopbackPair {
  init(threads: Int, spin: Duration = .zero, bufferBytes: Int = 8 << 20) throws {
    var options = RxTransportOptions(address: RxAddress(ipv4: 0x7F00_0001, port: 0))
    options.threads = threads
    options.spin = spin
    options.socketBufferBytes = bufferBytes
    try self.init(options: options)
  }
}

@Suite(.timeLimit(.minutes(2))) struct MultiqueueTests {
  /// 200 calls from everywhere, of which every tenth is long.
  private func exchange(_ client: RxTransport, _ target: RxTarget) async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for index in 0..<200 {
        let executor = index % 3 == 0 ? nil : client.threads[index % client.threads.count].executor
        group.addTask(executorPreference: executor) {
          let request = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: index % 10 == 0 ? 60_000 : index)
          return try await client.roundTrip(request, to: target, options: .init(), replyMax: 60_000) == request
        }
      }
      for try await isEqual in group { #expect(isEqual) }
    }
  }

  @Test("Calls in both directions on 1, 2, 3 and 4 threads get their own replies", arguments: [1, 2, 3, 4])
  func bothDirections(threads: Int) async throws {
    let pair = try LoopbackPair(threads: threads)
    pair.client.register(EchoService())
    let back = RxTarget(peer: RxAddress(ipv4: 0x7F00_0001, port: pair.client.boundPort), service: ServiceID(9))
    async let forth: Void = exchange(pair.client, pair.target(9))
    try await exchange(pair.server, back)
    try await forth
    let (client, server) = (await pair.client.statistics(), await pair.server.statistics())
    #expect(client.calls == RxCallCounters(started: 200, served: 200))
    #expect(server.calls == RxCallCounters(started: 200, served: 200))
    #expect(client.callsInFlight == 0)
    #expect(client.socket.forwardDrops == 0)
    await pair.shutDown()
  }

  @Test("Every thread takes part: as client by choice, as server by the connections' hash")
  func allThreads() async throws {
    let pair = try LoopbackPair(threads: 4)
    let (client, target) = (pair.client, pair.target(9))
    for thread in client.threads {
      for _ in 0..<20 {
        // A call at a time on one connection; two at a time would not make a second one either.
        _ = try await thread.roundTrip([1], to: target, options: .init(), replyMax: 10)
      }
    }
    try await exchange(client, target)
    for lane in client.lanesForTest { #expect(await lane.statistics().calls.started >= 20) }
    var serving = 0
    for lane in pair.server.lanesForTest where await lane.statistics().calls.served > 0 { serving += 1 }
    #expect(serving >= 2)
    await pair.shutDown()
  }

  @Test("The kernel steers each packet to the socket that the lane's rule names", arguments: [2, 3, 4, 8])
  func steering(count: Int) throws {
    let loopback = RxAddress(ipv4: 0x7F00_0001, port: 0)
    let first = try UDPSocket(address: loopback, port: 0, bufferBytes: 1 << 20)
    try UDPSocket.sharePort(of: first.descriptor)
    let port = first.localAddress.port
    let others = try (1..<count).map { _ in
      try SharedSocket(UDPSocket(address: loopback, port: port, bufferBytes: 1 << 20, joinsPort: true))
    }
    #expect(
      afsfuse_steer_lanes(first.descriptor, UInt32(count), RxLane.mask(of: count), RxLane.hashMultiplier) == 0)
    let sender = try UDPSocket(address: loopback, port: 0, bufferBytes: 1 << 20)
    var generator = SeededGenerator(seed: 5)
    let descriptors = [first.descriptor] + others.map(\.descriptor)
    for _ in 0..<300 {
      var packet = (0..<40).map { _ in UInt8.random(in: 0...255, using: &generator) }
      packet[20] = 1
      guard let lane = packet.withUnsafeBytes({ RxLane.index(of: $0, among: count) }) else { continue }
      try send(packet, from: sender.descriptor, to: port)
      #expect(arrival(of: packet, at: descriptors) == lane)
    }
  }

  private func send(_ packet: [UInt8], from descriptor: CInt, to port: UInt16) throws {
    let sent = withUnsafeTemporaryAllocation(byteCount: SocketAddress.sizeMax, alignment: 8) { name in
      let length = SocketAddress.store(RxAddress(ipv4: 0x7F00_0001, port: port), to: name.baseAddress!, .dual)
      let address = name.assumingMemoryBound(to: sockaddr.self).baseAddress!
      return packet.withUnsafeBytes { sendto(descriptor, $0.baseAddress, $0.count, 0, address, length) }
    }
    try #require(sent == packet.count)
  }

  private func arrival(of packet: [UInt8], at descriptors: [CInt]) -> Int? {
    var buffer = [UInt8](repeating: 0, count: 100)
    for (index, descriptor) in descriptors.enumerated() where recv(descriptor, &buffer, 100, 0) == packet.count {
      if Array(buffer[..<packet.count]) == packet { return index }
    }
    return nil
  }

  @Test("Datagrams of several connections that the kernel joined find their threads")
  func joined() async throws {
    let pair = try LoopbackPair(threads: 4)
    let sender = try UDPSocket(address: RxAddress(ipv4: 0x7F00_0001, port: 0), port: 0, bufferBytes: 1 << 20)
    let batch = TransmitBatch()
    let destination = RxAddress(ipv4: 0x7F00_0001, port: pair.server.boundPort)
    var isFilled = false
    _ = batch.fill(sender.family) { buffer in
      guard !isFilled else { return nil }
      isFilled = true
      for index in 0..<16 {
        let packet = request(connection: UInt32(index) * 4 + 4)
        UnsafeMutableRawBufferPointer(rebasing: buffer[(index * 32)...]).copyBytes(from: packet)
      }
      return RxTransmit(destination: destination, byteCount: 16 * 32, segmentSize: 32)
    }
    #expect(batch.send(to: sender.descriptor) == 0)
    var replies: Set<UInt32> = []
    let received = ReceiveBatch()
    while replies.count < 16 {
      var ready = pollfd(fd: sender.descriptor, events: Int16(POLLIN), revents: 0)
      try #require(poll(&ready, 1, 20_000) == 1)
      guard case .messages(let count) = received.receive(from: sender.descriptor) else { continue }
      for index in 0..<count {
        received.forEachDatagram(of: index) { datagram, _ in
          // DATA with the four bytes back.
          guard datagram[20] == 1, datagram.count == 32 else { return }
          replies.insert(UInt32(bigEndian: datagram.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        }
      }
    }
    let statistics = await pair.server.statistics()
    #expect(statistics.calls.served == 16)
    #expect(statistics.socket.datagramsForwarded > 0)
    await pair.shutDown()
  }

  /// A call's only packet, to the echo service: header of 28 bytes and four of data.
  private func request(connection: UInt32) -> [UInt8] {
    var packet = [UInt8](repeating: 0, count: 32)
    packet.withUnsafeMutableBytes { bytes in
      bytes.storeBytes(of: UInt32(0x8000_0001).bigEndian, toByteOffset: 0, as: UInt32.self)
      bytes.storeBytes(of: connection.bigEndian, toByteOffset: 4, as: UInt32.self)
      bytes.storeBytes(of: UInt32(1).bigEndian, toByteOffset: 8, as: UInt32.self)
      bytes.storeBytes(of: UInt32(1).bigEndian, toByteOffset: 12, as: UInt32.self)
      bytes.storeBytes(of: UInt32(1).bigEndian, toByteOffset: 16, as: UInt32.self)
    }
    // DATA, sent by a client, the last of its stream, for service 9.
    (packet[20], packet[21], packet[27]) = (1, 1 | 4, 9)
    return packet
  }

  @Test("Shutting down ends the calls on all threads", arguments: [2, 4])
  func shutDown(threads: Int) async throws {
    let pair = try LoopbackPair(threads: threads)
    let (begun, ended) = pair.registerSilentService()
    let (client, target) = (pair.client, pair.target(13))
    let tasks = (0..<16).map { index in
      Task(executorPreference: client.threads[index % threads].executor) { () async -> RxCallError? in
        do throws(RxCallError) {
          _ = try await client.roundTrip([1], to: target, options: .init(), replyMax: 1 << 30)
          return nil
        } catch {
          return error
        }
      }
    }
    var beginnings = begun.makeAsyncIterator()
    for _ in 0..<16 { await beginnings.next() }
    await client.shutDown()
    for task in tasks { #expect(await task.value == .shutDown) }
    var endings = ended.makeAsyncIterator()
    for _ in 0..<16 { #expect(await endings.next() != .some(.none)) }
    for thread in client.threads {
      await #expect(throws: RxCallError.shutDown) {
        try await thread.roundTrip([1], to: target, options: .init(), replyMax: 10)
      }
    }
    await pair.server.shutDown()
  }

  @Test("A shared port is refused to others while it is open, and free afterwards")
  func exclusive() async throws {
    let first = try LoopbackPair(threads: 3).client
    var options = RxTransportOptions(address: RxAddress(ipv4: 0x7F00_0001, port: 0), port: first.boundPort)
    for threads in [1, 2] {
      options.threads = threads
      #expect(throws: RxTransportError.portTaken(first.boundPort)) { _ = try RxTransport(options: options) }
    }
    await first.shutDown()
    let second = try RxTransport(options: options)
    #expect(second.boundPort == first.boundPort)
    await second.shutDown()
  }

  @Test("A port where nobody listens ends the calls of all threads")
  func refused() async throws {
    let pair = try LoopbackPair(threads: 4)
    let target = pair.target(9)
    await pair.server.shutDown()
    for thread in pair.client.threads {
      await #expect(throws: RxCallError.unreachable(ECONNREFUSED)) {
        try await thread.roundTrip([1], to: target, options: .init(), replyMax: 10)
      }
    }
    await pair.client.shutDown()
  }

  @Test("Threads that look for news before they sleep, and socket buffers of a few packets, lose nothing")
  func smallBuffers() async throws {
    let pair = try LoopbackPair(threads: 2, spin: .microseconds(50), bufferBytes: 16384)
    try await exchange(pair.client, pair.target(9))
    await pair.shutDown()
  }
}

/// A socket in an array.
private final class SharedSocket {
  private let socket: UDPSocket
  var descriptor: CInt { socket.descriptor }

  init(_ socket: consuming UDPSocket) { self.socket = consume socket }
}
