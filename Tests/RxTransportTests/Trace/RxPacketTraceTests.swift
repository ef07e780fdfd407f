import AFSBase
import AFSTypes
import Glibc
import RxCore
import TestFolders
import Testing

@testable import RxTransport

@Suite struct RxPacketTraceTests {
  private let folder = TemporaryFolder()

  /// A file's blocks by their type, checked for the two lengths of each.
  private func blocks(_ path: String) throws -> [(type: UInt32, body: [UInt8])] {
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4 << 20)
    bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
    func word(_ offset: Int) -> UInt32 {
      bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    }
    var found: [(UInt32, [UInt8])] = []
    var offset = 0
    while offset < bytes.count {
      let length = Int(word(offset + 4))
      try #require(length >= 12 && length % 4 == 0 && offset + length <= bytes.count)
      #expect(word(offset + length - 4) == UInt32(length))
      found.append((word(offset), Array(bytes[(offset + 8)..<(offset + length - 4)])))
      offset += length
    }
    return found
  }

  private struct Echo: RxService {
    let id = ServiceID(200)
    func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
      guard let bytes = try? await stream.receive(count: 1000) else { return }
      try? await stream.send(bytes, last: true)
    }
  }

  @Test("Every datagram of a call is in the file, in both directions, with IP and UDP headers around it")
  func call() async throws {
    let path = folder.path + "/trace.pcapng"
    let trace = try RxPacketTrace(path: path)
    let loopback = RxAddress(ipv4: 0x7F00_0001, port: 0)
    let server = try RxTransport(options: RxTransportOptions(address: loopback))
    server.register(Echo())
    var options = RxTransportOptions(address: loopback)
    options.trace = trace
    let client = try RxTransport(options: options)
    let target = RxTarget(peer: RxAddress(ipv4: 0x7F00_0001, port: server.boundPort), service: ServiceID(200))
    #expect(
      try await client.roundTrip([1, 2, 3, 4], to: target, options: RxCallOptions(), replyMax: 10) == [1, 2, 3, 4])
    await client.shutDown()
    await server.shutDown()
    trace.close()
    let blocks = try blocks(path)
    #expect(blocks.prefix(2).map(\.type) == [0x0A0D_0D0A, 1])
    let packets = blocks.dropFirst(2)
    #expect(packets.count >= 3 && packets.allSatisfy { $0.type == 6 })
    let first = try #require(packets.first).body
    // Interface, two words of time, two of length, then an IPv4 header of 20 bytes and the UDP ports.
    #expect(first[20] == 0x45 && first[29] == 17)
    #expect(first[32..<36].elementsEqual([127, 0, 0, 1]))
    let port = UInt16(first[42]) << 8 | UInt16(first[43])
    #expect(port == server.boundPort)
    // The Rx header is 28 bytes, the request follows.
    #expect(first[(48 + 28)..<(48 + 32)].elementsEqual([1, 2, 3, 4]))
    #expect(trace.lostCount == 0)
  }

  @Test("A response to a challenge is in the file without its ticket, other packets whole")
  func responses() throws {
    let path = folder.path + "/trace.pcapng"
    let trace = try RxPacketTrace(path: path)
    let address = RxAddress(ipv4: 0x0A00_0001, port: 7001)
    for type in [6, 7, 1] as [UInt8] {
      var datagram = [UInt8](repeating: 9, count: 101)
      datagram[20] = type
      datagram.withUnsafeBytes {
        trace.record($0, from: address, to: address, isOutgoing: true, at: .init(seconds: 1, nanoseconds: 2))
      }
    }
    trace.close()
    // Behind 20 bytes of the block, the IP header and the UDP header.
    let datagrams = try blocks(path).dropFirst(2).map { Array($0.body[48..<(48 + 101)]) }
    #expect(datagrams.map { $0[20] } == [6, 7, 1])
    #expect(datagrams[1][28...].allSatisfy { $0 == 0 } && datagrams[1][..<20].allSatisfy { $0 == 9 })
    for whole in [datagrams[0], datagrams[2]] { #expect(whole[28...].allSatisfy { $0 == 9 }) }
  }

  @Test("The file is bounded: the older half is kept beside it, both can be read")
  func rotation() throws {
    let path = folder.path + "/trace.pcapng"
    let trace = try RxPacketTrace(path: path, bytesMax: 40_000)
    let address = RxAddress(ipv4: 0x0A00_0001, port: 7001)
    let datagram = [UInt8](repeating: 7, count: 1001)
    for _ in 0..<100 {
      datagram.withUnsafeBytes {
        trace.record($0, from: address, to: address, isOutgoing: true, at: .init(seconds: 1, nanoseconds: 2))
      }
    }
    trace.close()
    for name in [path, path + ".1"] {
      let blocks = try blocks(name)
      #expect(blocks.first?.type == 0x0A0D_0D0A)
      #expect(blocks.count > 2)
      var status = stat()
      #expect(stat(name, &status) == 0 && status.st_mode & 0o777 == 0o600)
      #expect(status.st_size <= 20_100)
    }
  }

  @Test("A file that cannot be created is named")
  func missing() {
    #expect(throws: RxTransportError.system("creating /nonexistent/x", ENOENT)) {
      try RxPacketTrace(path: "/nonexistent/x")
    }
  }
}
