import AFSBase
import AFSTypes
import RxCore
import RxTransport
import Testing

@testable import rxperf

/// Client and server over loopback sockets.
@Suite struct PerfServiceTests {
  private func serve() throws -> (RxTransport, PerfService, RxTarget) {
    let server = try RxTransport(options: RxTransportOptions(address: RxAddress(ipv4: 0x7F00_0001, port: 0)))
    let service = PerfService(check: PerfCheck(allowsZeros: false)) { _ in }
    server.register(service)
    let address = RxAddress(ipv4: 0x7F00_0001, port: server.boundPort)
    return (server, service, RxTarget(peer: address, service: ServiceID(PerfRequest.service)))
  }

  static let requests: [PerfRequest] = [
    PerfRequest(.send, sendBytes: 3_000_001), PerfRequest(.recv, receiveBytes: 3_000_001),
    PerfRequest(.rpc, sendBytes: 3, receiveBytes: 30), PerfRequest(.rpc, sendBytes: 700_000, receiveBytes: 900_000),
    PerfRequest(.send, sendBytes: 0), PerfRequest(.recv, receiveBytes: 100_000, readSize: 999, writeSize: 1001),
    try! PerfRequest(entries: [1, 70_000, 0, 3, 50_000]), try! PerfRequest(entries: []),
    try! PerfRequest(entries: [0]),
  ]

  @Test("Every operation transfers the pattern, and both sides count it", arguments: requests)
  func transfers(request: PerfRequest) async throws {
    let (server, service, target) = try serve()
    let transport = try RxTransport()
    let client = PerfClient(
      transport: transport, target: target, options: RxCallOptions(deadline: .seconds(600)), request: request,
      check: PerfCheck(allowsZeros: false))
    let tally = try await client.run(times: 3)
    #expect(tally.calls == 3)
    #expect(tally.latency.count == 3)
    #expect(tally.bytes == 3 * UInt64(request.sendBytes + request.receiveBytes))
    #expect(service.counts.calls == 3)
    #expect(service.counts.bytesReceived == 3 * UInt64(request.sendBytes))
    await transport.shutDown()
    await server.shutDown()
  }

  @Test("A server that listens everywhere serves IPv4 and IPv6, on several threads", arguments: [1, 3])
  func bothFamilies(threads: Int) async throws {
    var options = RxTransportOptions()
    options.threads = threads
    options.spin = .microseconds(50)
    let server = try RxTransport(options: options)
    let service = PerfService(check: PerfCheck(allowsZeros: false)) { _ in }
    server.register(service)
    for host in ["127.0.0.1", "::1"] {
      let address = try ServerName.address(of: host, port: server.boundPort)
      let transport = try RxTransport()
      let client = PerfClient(
        transport: transport, target: RxTarget(peer: address, service: ServiceID(PerfRequest.service)),
        options: RxCallOptions(deadline: .seconds(600)), request: PerfRequest(.rpc, sendBytes: 3, receiveBytes: 70_000),
        check: PerfCheck(allowsZeros: false))
      #expect(try await client.run(times: 5).calls == 5)
      await transport.shutDown()
    }
    #expect(service.counts.calls == 10)
    #expect(service.counts.failures == 0)
    await server.shutDown()
  }

  @Test("Data that is not the pattern is refused with an abort")
  func corrupt() async throws {
    let (server, service, target) = try serve()
    let transport = try RxTransport()
    let message = PerfRequest(.send, sendBytes: 4).encoded + [1, 2, 3, 4]
    await #expect(throws: RxCallError.aborted(.rxProtocolError)) {
      try await transport.roundTrip(message, to: target, options: RxCallOptions(deadline: .seconds(600)), replyMax: 4)
    }
    #expect(service.counts.corrupt == 1)
    await transport.shutDown()
    await server.shutDown()
  }

  @Test(
    "A request that makes no sense is refused with a code that says so",
    arguments: [
      ([0, 0, 0, 3, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0, 0], AbortCode.rxgenOpcode),
      ([0, 0, 0, 3], AbortCode.rxgenServerUnmarshal),
    ] as [([UInt8], AbortCode)])
  func nonsense(message: [UInt8], code: AbortCode) async throws {
    let (server, _, target) = try serve()
    let transport = try RxTransport()
    await #expect(throws: RxCallError.aborted(code)) {
      try await transport.roundTrip(message, to: target, options: RxCallOptions(deadline: .seconds(600)), replyMax: 4)
    }
    await transport.shutDown()
    await server.shutDown()
  }
}
