import AFSBase
import Testing

@testable import RxCore

/// How the size of packets to a peer falls and rises.
@Suite struct PathMTUTests {
  static func time(_ seconds: Int) -> MonotonicTime { .zero + .seconds(seconds) }

  /// Lets a path which carries bodies up to `truth` answer probes until the search ends.
  static func search(_ path: inout PathMTU, truth: Int, from start: Int) -> (probes: Int, end: Int) {
    var second = start
    var probes = 0
    while let size = path.nextProbe(now: time(second), roundTrip: .milliseconds(10)), probes < 100 {
      probes += 1
      path.sentProbe(size, connection: 1, serial: Serial(UInt32(probes)), now: time(second))
      if size <= truth { path.receivedAnswer(connection: 1, serial: Serial(UInt32(probes))) }
      second += 2
    }
    return (probes, second)
  }

  @Test("Without trouble there is no probe, and packets are as large as both sides allow")
  func untroubled() {
    var path = PathMTU(ceiling: 1416)
    #expect(path.nextProbe(now: Self.time(1), roundTrip: nil) == nil)
    path.limit(1000)
    #expect(path.current == 1000)
    path.limit(1416)
    #expect(path.current == 1416)
    #expect(path.nextProbe(now: Self.time(100_000), roundTrip: nil) == nil)
  }

  @Test("ICMP lowers the size at once, never below the floor, and never raises it")
  func tooBig() {
    var path = PathMTU(ceiling: 1416)
    path.receivedTooBig(1300, now: Self.time(1))
    #expect(path.current == 1300)
    path.receivedTooBig(1400, now: Self.time(1))
    #expect(path.current == 1300)
    path.receivedTooBig(0, now: Self.time(1))
    #expect(path.current == PathMTU.floor)
  }

  @Test("Where routers do not fragment, sizes begin with what every path carries, and rise with one probe")
  func unproven() {
    var path = PathMTU(ceiling: 1416, mayFragment: false)
    #expect(path.current == PathMTU.base)
    #expect(Self.search(&path, truth: 1416, from: 1).probes == 1)
    #expect(path.current == 1416)
    #expect(path.nextProbe(now: Self.time(10_000), roundTrip: nil) == nil)
    var small = PathMTU(ceiling: 1000, mayFragment: false)
    #expect(small.current == 1000)
    #expect(small.nextProbe(now: Self.time(1), roundTrip: nil) == nil)
  }

  @Test("What the peer says of itself proves nothing of the path")
  func unprovenLimit() {
    var path = PathMTU(ceiling: 1416, mayFragment: false)
    path.limit(1400)
    #expect(path.current == PathMTU.base)
    #expect(path.nextProbe(now: Self.time(1), roundTrip: nil) == 1400)
    path.limit(1100)
    #expect(path.current == 1100)
  }

  @Test("There the search finds what the path carries, and asks for more after the raise interval")
  func unprovenSearch() {
    var path = PathMTU(ceiling: 1416, mayFragment: false)
    let (_, end) = Self.search(&path, truth: 1324, from: 1)
    #expect((1300...1324).contains(path.current))
    #expect(path.nextProbe(now: Self.time(end + 500), roundTrip: nil) == nil)
    #expect(path.nextProbe(now: Self.time(end + 601), roundTrip: nil) == 1416)
  }

  @Test("When ICMP answers a probe, the size it names is tried next, and is the last")
  func namedSize() {
    var path = PathMTU(ceiling: 1416, mayFragment: false)
    path.sentProbe(1416, connection: 1, serial: Serial(1), now: Self.time(1))
    path.receivedTooBig(1324, now: Self.time(1))
    #expect(path.current == PathMTU.base)
    #expect(path.nextProbe(now: Self.time(1), roundTrip: nil) == 1324)
    path.sentProbe(1324, connection: 1, serial: Serial(2), now: Self.time(1))
    path.receivedAnswer(connection: 1, serial: Serial(2))
    #expect(path.current == 1324)
    #expect(path.nextProbe(now: Self.time(2), roundTrip: nil) == nil)
    // A lie ends with the search below it.
    var other = PathMTU(ceiling: 1416, mayFragment: false)
    other.receivedTooBig(1324, now: Self.time(1))
    _ = Self.search(&other, truth: 1250, from: 1)
    #expect((1220...1250).contains(other.current))
  }

  @Test("After a black hole the search finds what the path carries", arguments: [492, 700, 1204, 1260, 1399, 1415])
  func search(truth: Int) {
    var path = PathMTU(ceiling: 1416)
    path.foundBlackHole(1416, now: Self.time(0))
    #expect(path.current == PathMTU.base)
    if truth < PathMTU.base { path.foundBlackHole(PathMTU.base, now: Self.time(0)) }
    let (probes, _) = Self.search(&path, truth: truth, from: 1)
    #expect(path.current <= truth)
    #expect(path.current > truth - 2 * PathMTU.granularity)
    #expect(probes <= 40)
  }

  @Test("When the path has recovered, the whole size is back after the raise interval with one probe")
  func recovery() {
    var path = PathMTU(ceiling: 1416)
    path.foundBlackHole(1416, now: Self.time(0))
    _ = Self.search(&path, truth: 1210, from: 1)
    #expect(path.nextProbe(now: Self.time(599), roundTrip: nil) == nil)
    let size = path.nextProbe(now: Self.time(601), roundTrip: nil)
    #expect(size == 1416)
    path.sentProbe(1416, connection: 1, serial: Serial(9), now: Self.time(601))
    path.receivedAnswer(connection: 2, serial: Serial(9))
    #expect(path.current < 1416)
    path.receivedAnswer(connection: 1, serial: Serial(9))
    #expect(path.current == 1416)
  }

  @Test("One probe is under way at a time, and three must be lost to count")
  func lostProbes() {
    var path = PathMTU(ceiling: 1416)
    path.foundBlackHole(1416, now: Self.time(0))
    var sizes: [Int] = []
    for second in 0..<6 {
      guard let size = path.nextProbe(now: Self.time(second * 2), roundTrip: nil) else { continue }
      path.sentProbe(size, connection: 1, serial: Serial(1), now: Self.time(second * 2))
      #expect(path.nextProbe(now: Self.time(second * 2), roundTrip: nil) == nil)
      sizes.append(size)
    }
    #expect(sizes == [1310, 1310, 1310, 1257, 1257, 1257])
  }
}
