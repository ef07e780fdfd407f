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

  @Test("The same with jumbograms, and records of peers that expire", arguments: UInt64(20_000_000)..<20_000_060)
  func laterSeeds(seed: UInt64) { expectGood(seed) }

  @Test("The same over IPv6, whose narrow paths take no fragments", arguments: UInt64(70_000_000)..<70_000_060)
  func seedsWithIPv6(seed: UInt64) { expectGood(seed) }

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
      // A host that stood still with a call just begun: the simulation forgot to let it go on.
      5_187_311, 5_289_559,
      // A reply whose last ack was left to the channel's next call; that call never reached the server, nor did the one
      // after, and the client had forgotten the reply.
      5_225_849, 5_449_524, 5_476_397, 5_596_031,
      // A reply as long as its request: nothing was left to repeat it, or to ask for a proof of the address.
      5_211_515, 5_859_032,
      // Damage to a service's or connection's number, which led a call to a service it had not named.
      5_302_153, 5_692_432, 5_711_267, 5_737_836,
      // A round trip of 38 s, since a process stood still: the next repetition would have come after minutes, and one
      // lost packet was taken ten times for a path that carries no large ones.
      5_950_343,
      // Half-open calls that lost their places to those of proven clients: what was acknowledged must not be forgotten, and a
      // connection's serials must go on.
      20_000_597, 20_000_954, 20_002_831, 20_005_170, 20_021_541, 20_026_923,
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
    #expect((UInt64(70_000_000)..<70_000_060).contains { SwarmRun.trouble(of: $0).contains("IPv6, black hole") })
    for kind in ["black hole", "unfound", "blackout", "restart", "freeze", "leap", "networkError", "loss"] {
      #expect(troubles.contains { $0.contains(kind) }, "no seed has \(kind)")
    }
  }
}
