import Glibc
import RxCore
import Testing

@testable import RxTransport

@Suite struct SocketAddressTests {
  static let addresses = [
    RxAddress(ipv4: 0x7F00_0001, port: 7001), RxAddress(ipv4: 0xFFFF_FFFF, port: 65535),
    RxAddress(high: 0x2001_0DB8_0000_0000, low: 1, port: 80), linkLocal(0), linkLocal(7), linkLocal(.max),
  ]

  private static func linkLocal(_ scope: UInt32) -> RxAddress {
    var address = RxAddress(high: 0xFE80_0000_0000_0000, low: 0x0212_34FF_FE56_789A, port: 7000)
    address.scope = scope
    return address
  }

  @Test("The interface of a link-local address goes into its own field")
  func scope() {
    withUnsafeTemporaryAllocation(byteCount: SocketAddress.sizeMax, alignment: 8) { memory in
      _ = SocketAddress.store(Self.linkLocal(7), to: memory.baseAddress!, .dual)
      let name = memory.baseAddress!.load(as: sockaddr_in6.self)
      #expect(name.sin6_scope_id == 7)
      #expect(withUnsafeBytes(of: name.sin6_addr) { Array($0[..<8]) } == [0xFE, 0x80, 0, 0, 0, 0, 0, 0])
    }
    #expect("\(Self.linkLocal(7))" == "[fe80:0:0:0:212:34ff:fe56:789a%7]:7000")
    var other = Self.addresses[2]
    other.scope = 7
    #expect(other == Self.addresses[2])
  }

  @Test("An address survives the way through the kernel's form", arguments: addresses)
  func roundTrip(address: RxAddress) {
    withUnsafeTemporaryAllocation(byteCount: SocketAddress.sizeMax, alignment: 8) { memory in
      #expect(SocketAddress.store(address, to: memory.baseAddress!, .dual) == 28)
      #expect(SocketAddress.load(from: memory.baseAddress!) == address)
      if address.ipv4 != nil {
        #expect(SocketAddress.store(address, to: memory.baseAddress!, .ipv4) == 16)
        #expect(SocketAddress.load(from: memory.baseAddress!) == address)
      }
    }
  }
}

@Suite struct ControlMessageTests {
  @Test("What was stored is found, and lengths that lie end the walk")
  func walk() {
    withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { memory in
      memory.initializeMemory(as: UInt8.self, repeating: 0)
      ControlMessage.store(level: 17, type: 103, 1444, to: memory.baseAddress!)
      ControlMessage.store(level: 17, type: 104, 7, to: memory.baseAddress! + 24)
      var found: [[Int32]] = []
      ControlMessage.forEach(in: UnsafeRawBufferPointer(rebasing: memory[..<48])) { level, type, data in
        found.append([level, type, Int32(data.count), Int32(data.load(as: UInt16.self))])
      }
      #expect(found == [[17, 103, 2, 1444], [17, 104, 2, 7]])
      for lie in [0, 15, 41, Int.max, -1] {
        (memory.baseAddress! + 24).storeBytes(of: lie, as: Int.self)
        var count = 0
        ControlMessage.forEach(in: UnsafeRawBufferPointer(rebasing: memory[..<48])) { _, _, _ in count += 1 }
        #expect(count == 1, "length \(lie)")
      }
    }
  }
}

@Suite struct BatchTests {
  private static let loopback = RxAddress(ipv4: 0x7F00_0001, port: 0)

  /// A burst of 10 datagrams and a short one, then a single one.
  private func fill(_ batch: TransmitBatch, _ family: SocketFamily, to destination: RxAddress) -> Int {
    var bursts = [(10, 1000, 300), (0, 0, 20)]
    return batch.fill(family) { buffer in
      guard !bursts.isEmpty else { return nil }
      let (full, size, rest) = bursts.removeFirst()
      for index in 0..<(full * size + rest) { buffer[index] = UInt8(truncatingIfNeeded: index / max(size, 1)) }
      return RxTransmit(
        destination: destination, byteCount: full * size + rest, segmentSize: full > 0 ? size : rest)
    }
  }

  private func receiveAll(_ batch: ReceiveBatch, _ socket: borrowing UDPSocket) -> [(Int, UInt8)] {
    var datagrams: [(Int, UInt8)] = []
    while case .messages(let count) = batch.receive(from: socket.descriptor) {
      for index in 0..<count {
        batch.forEachDatagram(of: index) { datagram, _ in datagrams.append((datagram.count, datagram[0])) }
      }
    }
    return datagrams
  }

  @Test("A burst arrives as its datagrams, cut by the kernel or by us", arguments: [false, true])
  func burst(inPieces: Bool) throws {
    let sender = try UDPSocket(address: Self.loopback, port: 0, bufferBytes: 1 << 20)
    let receiver = try UDPSocket(address: Self.loopback, port: 0, bufferBytes: 1 << 20)
    let batch = TransmitBatch()
    #expect(fill(batch, sender.family, to: receiver.localAddress) == 12)
    #expect(batch.first.segmentCount == 11)
    if inPieces {
      #expect(batch.sendFirstInPieces(to: sender.descriptor) == 0)
      #expect(!batch.isFirstBegun)
    }
    #expect(batch.send(to: sender.descriptor) == 0)
    #expect(batch.isEmpty)
    let datagrams = receiveAll(ReceiveBatch(), receiver)
    #expect(datagrams.map(\.0) == Array(repeating: 1000, count: 10) + [300, 20])
    #expect(datagrams.prefix(11).map(\.1) == Array(0...10))
  }

  /// Bursts of `sizes` for the connections of those numbers, filled at once.
  private func transmits(_ bursts: [(connection: UInt8, size: Int, count: Int)]) -> [(Int, Int)] {
    var rest = bursts
    let batch = TransmitBatch()
    _ = batch.fill(.dual) { buffer in
      guard !rest.isEmpty else { return nil }
      let (connection, size, count) = rest.removeFirst()
      for index in 0..<(size * count) { buffer[index] = index == 6 ? connection : 0 }
      return RxTransmit(destination: Self.loopback, byteCount: size * count, segmentSize: size)
    }
    var found: [(Int, Int)] = []
    while !batch.isEmpty {
      found.append((batch.first.segmentSize, batch.first.byteCount))
      batch.skipFirst()
    }
    return found
  }

  @Test("Datagrams of one size and one connection are joined; others are not")
  func joining() {
    func joined(_ bursts: [(connection: UInt8, size: Int, count: Int)]) -> [[Int]] {
      transmits(bursts).map { [$0.0, $0.1] }
    }
    #expect(joined([(1, 65, 1), (1, 65, 1), (1, 65, 1)]) == [[65, 195]])
    // A shorter one ends a message.
    #expect(joined([(1, 65, 1), (1, 40, 1), (1, 40, 1)]) == [[65, 105], [40, 40]])
    #expect(joined([(1, 40, 1), (1, 65, 1)]) == [[40, 40], [65, 65]])
    #expect(joined([(1, 65, 1), (2, 65, 1)]) == [[65, 65], [65, 65]])
    #expect(joined([(1, 1444, 40), (1, 1444, 3), (1, 1444, 10)]) == [[1444, 43 * 1444], [1444, 14440]])
    #expect(joined([(1, 100, 60), (1, 100, 4), (1, 100, 1)]) == [[100, 6400], [100, 100]])
  }

  @Test("The error queue names the peer that refused, and quotes the packet", arguments: [false, true])
  func refusal(ipv6: Bool) throws {
    let loopback = ipv6 ? RxAddress(high: 0, low: 1, port: 0) : Self.loopback
    let sender = try UDPSocket(address: nil, port: 0, bufferBytes: 1 << 20)
    if ipv6, sender.family == .ipv4 { return }
    let peer = try { () throws(RxTransportError) -> RxAddress in
      try UDPSocket(address: loopback, port: 0, bufferBytes: 4096).localAddress
    }()
    let batch = TransmitBatch()
    _ = fill(batch, sender.family, to: peer)
    _ = batch.send(to: sender.descriptor)
    var errors: [NetworkError] = []
    ErrorQueue.drain(sender.descriptor) { error, quote in
      errors.append(error)
      #expect(quote.count >= 20)
    }
    #expect(!errors.isEmpty)
    #expect(errors.allSatisfy { $0.errno == ECONNREFUSED && $0.peer == peer })
  }
}
