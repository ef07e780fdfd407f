import AFSBase
import RxCore
import RxTransport
import Testing

@testable import rxperf

@Suite struct PerfClientTests {
  /// Answers a number of calls and lets all later ones wait, telling of the first of these.
  private struct StoppingService: RxService {
    let id = ServiceID(PerfRequest.service)
    let served: PerfService
    let stops: AsyncStream<Void>.Continuation
    let answered: Int

    func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
      if served.counts.calls < answered { return await served.serve(stream, from: call) }
      stops.yield()
      let (never, end) = AsyncStream<Void>.makeStream()
      for await _ in never {}
      end.finish()
    }
  }

  @Test(
    "A client that is cancelled tells of the calls that it has made",
    arguments: [PerfRequest(.rpc, sendBytes: 3, receiveBytes: 30), PerfRequest(.send, sendBytes: 100_000)])
  func cancelled(request: PerfRequest) async throws {
    let server = try RxTransport(options: RxTransportOptions(address: RxAddress(ipv4: 0x7F00_0001, port: 0)))
    let (stopped, stops) = AsyncStream<Void>.makeStream()
    server.register(StoppingService(served: PerfService(check: nil) { _ in }, stops: stops, answered: 3))
    let transport = try RxTransport()
    let client = PerfClient(
      transport: transport,
      target: RxTarget(
        peer: RxAddress(ipv4: 0x7F00_0001, port: server.boundPort), service: ServiceID(PerfRequest.service)),
      options: RxCallOptions(deadline: .seconds(600)), request: request, check: nil)
    let run = Task { try await client.run(times: 1000) }
    for await _ in stopped { break }
    run.cancel()
    #expect(try await run.value.calls == 3)
    await transport.shutDown()
    await server.shutDown()
  }
}
