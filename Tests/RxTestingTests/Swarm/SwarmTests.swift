import RxTesting
import Testing

/// Two endpoints on virtual time under whatever each seed picks: delays to 600 ms, loss, duplication, reordering, damage,
/// black holes for large packets, blackouts, restarts, clocks that leap, slow readers, aborts, deadlines.
///
/// `contrib/rx-swarm` runs as many seeds as wanted; those that ever failed stand here.
@Suite struct SwarmTests {
  private func expectGood(_ seed: UInt64) {
    let run = SwarmRun(seed: seed)
    #expect(run.violations == [], "seed \(seed): \(run.trouble)")
  }

  @Test(
    "Every byte arrives once and in order, every call ends once and in time, and nothing is left",
    arguments: UInt64(1)...200)
  func seeds(seed: UInt64) { expectGood(seed) }

  @Test(
    "Seeds that once broke a rule",
    arguments: [
      // Six pings a dead time, where 30 % were lost both ways.
      6,
      // A client proven reachable by another connection's ping: the calls that waited were forgotten.
      62,
      // The client forgot its connection before the server had its last ack.
      225, 332, 872,
      // Packets larger than the path.
      13, 18, 57, 75, 118,
      // A server that replied before it had read its request, taken for one that had lost the call.
      67377, 86711, 111123,
      // The last ack of a call was lost, and the channel's next call never reached the server.
      129030, 132859, 149976,
      // A one-way blackout that looked like a path too narrow.
      153,
      // A duplicate of a request, served again after its connection had made room for another.
      1341,
    ] as [UInt64])
  func mended(seed: UInt64) { expectGood(seed) }

  @Test("Equal seeds give equal runs")
  func repeatable() {
    let runs = (0..<2).map { _ in SwarmRun(seed: 4711) }
    #expect(runs[0].datagrams == runs[1].datagrams)
    #expect(runs[0].duration == runs[1].duration)
    #expect(runs[0].succeeded == runs[1].succeeded)
  }

  @Test("The seeds of the suite reach what they are for")
  func coverage() {
    let runs = (UInt64(1)...20).map { SwarmRun(seed: $0) }
    #expect(runs.map(\.calls).reduce(0, +) > 150)
    #expect(runs.map(\.succeeded).reduce(0, +) > 100)
    let troubles = (UInt64(1)...200).map { SwarmRun.trouble(of: $0) }
    for kind in ["black hole", "unfound", "blackout", "restart", "freeze", "leap", "networkError", "loss"] {
      #expect(troubles.contains { $0.contains(kind) }, "no seed has \(kind)")
    }
  }
}
