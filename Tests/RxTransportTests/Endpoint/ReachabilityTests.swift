import AFSBase
import AFSTypes
import Glibc
import Testing

@testable import RxCore
@testable import RxTransport

@Suite(.timeLimit(.minutes(1))) struct ReachabilityTests {
  /// DATA (1) is the reply; ACK (2) the ping, which its service's client must answer first.
  @Test(
    "A service that wants its clients' addresses proven pings a stranger first; others serve him",
    arguments: [false, true])
  func stranger(checks: Bool) async throws {
    let loopback = RxAddress(ipv4: 0x7F00_0001, port: 0)
    let server = try RxTransport(options: RxTransportOptions(address: loopback))
    server.register(EchoService(), checksReachability: checks)
    let socket = try UDPSocket(address: loopback, port: 0, bufferBytes: 1 << 20)
    let request = RxHeader(
      epoch: 0x8000_0001, cid: 4, callNumber: CallNumber(1), seq: Seq(1), serial: Serial(1), type: .data,
      flags: [.clientInitiated, .lastPacket], securityIndex: 0, serviceID: 9)
    try send(request, body: 200, from: socket, to: server.boundPort)
    var packet = try receive(from: socket)
    // A handler that the machine keeps waiting is overtaken by an ack.
    while !checks, packet.type != 1 { packet = try receive(from: socket) }
    #expect(packet.type == (checks ? 2 : 1))
    if checks { #expect(packet.reason == AckReason.ping.rawValue) }
    await server.shutDown()
  }

  private func send(_ header: RxHeader, body count: Int, from socket: borrowing UDPSocket, to port: UInt16) throws {
    var packet = [UInt8](repeating: 0, count: RxHeader.byteCount + count)
    packet.withUnsafeMutableBytes { header.write(to: $0.baseAddress!) }
    let sent = withUnsafeTemporaryAllocation(byteCount: SocketAddress.sizeMax, alignment: 8) { name in
      let length = SocketAddress.store(RxAddress(ipv4: 0x7F00_0001, port: port), to: name.baseAddress!, .dual)
      let address = name.assumingMemoryBound(to: sockaddr.self).baseAddress!
      return packet.withUnsafeBytes { sendto(socket.descriptor, $0.baseAddress, $0.count, 0, address, length) }
    }
    try #require(sent == packet.count)
  }

  private func receive(from socket: borrowing UDPSocket) throws -> (type: UInt8, reason: UInt8?) {
    var ready = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
    try #require(poll(&ready, 1, 20_000) == 1)
    var buffer = [UInt8](repeating: 0, count: 2000)
    let count = recv(socket.descriptor, &buffer, buffer.count, 0)
    try #require(count > RxHeader.byteCount)
    return (buffer[20], count > RxHeader.byteCount + 16 ? buffer[RxHeader.byteCount + 16] : nil)
  }
}
