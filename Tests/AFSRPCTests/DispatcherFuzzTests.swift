import AFSBase
import AFSRPC
import AFSTypes
import RxCore
import RxTransport
import Testing

/// Requests of random bytes behind every opcode.
@Suite struct DispatcherFuzzTests {
  static let opcodes: [UInt32] = [
    130, 131, 132, 133, 134, 136, 139, 147, 150, 155, 156, 162, 164, 65536, 65537, 65538, 65540,
  ]

  @Test("Every request is answered or aborted", .timeLimit(.minutes(1)), arguments: 0..<10 as Range<UInt64>)
  func randomRequests(seed: UInt64) async {
    var generator = SeededGenerator(seed: seed)
    let caller = LoopbackCaller(RXAFSDispatcher(SampleServer(content: [1, 2, 3])))
    let target = RxTarget(peer: StubTests.peer, service: RXAFS.serviceID)
    var outcomes: [AbortCode?: Int] = [:]
    for _ in 0..<100 {
      let opcode = Self.opcodes.randomElement(using: &generator)!
      var request = withUnsafeBytes(of: opcode.bigEndian) { [UInt8]($0) }
      for index in 0..<Int.random(in: 0...20, using: &generator) * 4 {
        let isSmall = index % 4 < 3 || Bool.random(using: &generator)
        request.append(isSmall ? 0 : .random(in: 0...60, using: &generator))
      }
      do {
        _ = try await caller.roundTrip(request, to: target, options: RxCallOptions(), replyMax: 10_000)
        outcomes[nil, default: 0] += 1
      } catch .aborted(let code) {
        outcomes[code, default: 0] += 1
      } catch {
        Issue.record("\(opcode): \(error)")
      }
    }
    // Nothing else can come of it.
    let possible: Set<AbortCode?> = [
      nil, .rxgenServerUnmarshal, .rxgenOpcode, .rxgenServerMarshal, .vNoVnode, AbortCode(2),
    ]
    #expect(Set(outcomes.keys).isSubset(of: possible))
    #expect(outcomes[.rxgenServerUnmarshal, default: 0] > 0)
  }
}
