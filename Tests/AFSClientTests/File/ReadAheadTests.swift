import AFSBase
import Testing

@testable import AFSClient

@Suite struct ReadAheadTests {
  let limits = ReadAhead.Limits()

  @Test("From the start of a file the window doubles up to its limit, and calls with it")
  func doubles() {
    var readAhead = ReadAhead()
    var windows: [UInt64] = []
    var issued: UInt64 = 0
    for offset in stride(from: 0, to: 200 << 20, by: 128 << 10) as StrideTo<UInt64> {
      let plan = readAhead.note(offset..<offset + 128 << 10, extent: 1 << 40, limits: limits)
      if !plan.ahead.isEmpty {
        #expect(plan.ahead.lowerBound >= issued)
        windows.append(plan.ahead.upperBound - offset)
        issued = plan.ahead.upperBound
        #expect(plan.callMax <= limits.callMax)
      }
    }
    #expect(windows.max()! <= limits.windowMax + 2 * limits.randomUnit + 128 << 10)
    #expect(windows.max()! >= limits.windowMax)
    #expect(windows.first! <= 2 << 20)
    #expect(windows.count < 40)
  }

  @Test("A window can be cut into many calls, which are never shorter than the shortest")
  func manyCalls() {
    var readAhead = ReadAhead()
    var lengths: [UInt64] = []
    for offset in stride(from: 0, to: 100 << 20, by: 128 << 10) as StrideTo<UInt64> {
      let plan = readAhead.note(offset..<offset + 128 << 10, extent: 1 << 40, calls: 8, limits: limits)
      lengths.append(plan.callMax)
    }
    #expect(lengths.first == limits.callMin)
    #expect(lengths.last == limits.windowMax / 8)
    #expect(lengths.allSatisfy { $0 >= limits.callMin })
  }

  @Test("Jumps fetch an aligned neighbourhood")
  func jumps() {
    var readAhead = ReadAhead()
    var generator = SeededGenerator(seed: 3)
    var last: UInt64 = 0
    for _ in 0..<1000 {
      var offset = UInt64.random(in: 1...1 << 30, using: &generator)
      if offset.distance(to: last).magnitude < 4 << 20 { offset += 8 << 20 }
      let plan = readAhead.note(offset..<offset + 4096, extent: 1 << 31, limits: limits)
      #expect(plan.ahead.isEmpty)
      #expect(plan.demand.lowerBound <= offset && plan.demand.upperBound >= offset + 4096)
      #expect(plan.demand.upperBound - plan.demand.lowerBound <= 2 * limits.randomUnit)
      last = offset
    }
  }

  @Test("Requests which overtake each other are still sequential")
  func overtaking() {
    var readAhead = ReadAhead()
    var ahead: UInt64 = 0
    for pair in stride(from: 0, to: 64 << 20, by: 2 << 20) as StrideTo<UInt64> {
      for offset in [pair + 1 << 20, pair] where pair > 0 || offset == 0 {
        let plan = readAhead.note(offset..<offset + 1 << 20, extent: 1 << 40, limits: limits)
        ahead += plan.ahead.upperBound - plan.ahead.lowerBound
      }
    }
    #expect(ahead > 60 << 20)
  }

  @Test("Nothing is planned beyond the end", arguments: [1, 4096, 300_000, 1 << 20, 5 << 20] as [UInt64])
  func end(extent: UInt64) {
    var readAhead = ReadAhead()
    for offset in stride(from: 0, to: extent, by: 4096) {
      let range = offset..<min(offset + 4096, extent)
      let plan = readAhead.note(range, extent: extent, limits: limits)
      #expect(plan.demand.upperBound <= extent)
      #expect(plan.ahead.upperBound <= extent)
      #expect(plan.demand.lowerBound <= range.lowerBound && plan.demand.upperBound >= range.upperBound)
    }
  }
}
