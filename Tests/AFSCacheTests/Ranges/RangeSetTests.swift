import AFSBase
import AFSCache
import Testing

/// The set compared with one boolean a position, after every operation.
@Suite struct RangeSetTests {
  static let universe: UInt64 = 160

  private static func range(using generator: inout SeededGenerator) -> Range<UInt64> {
    let lower = UInt64.random(in: 0...universe, using: &generator)
    return lower..<UInt64.random(in: lower...min(universe, lower + 40), using: &generator)
  }

  private static func positions(of set: RangeSet) -> [Bool] {
    var positions = [Bool](repeating: false, count: Int(universe))
    for range in set.ranges { for position in range { positions[Int(position)] = true } }
    return positions
  }

  private static func checkForm(of set: RangeSet) {
    for (a, b) in zip(set.ranges, set.ranges.dropFirst()) { #expect(a.upperBound < b.lowerBound) }
    #expect(set.ranges.allSatisfy { !$0.isEmpty })
    #expect(set.count == set.ranges.reduce(0) { $0 + $1.length })
  }

  @Test("Insertions and removals leave what a boolean a position says", arguments: 1...40 as ClosedRange<UInt64>)
  func changes(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var set = RangeSet()
    var model = [Bool](repeating: false, count: Int(Self.universe))
    for _ in 0..<300 {
      let range = Self.range(using: &generator)
      switch Int.random(in: 0..<7, using: &generator) {
      case 0...2:
        set.insert(range)
        for position in range { model[Int(position)] = true }
      case 3...4:
        set.remove(range)
        for position in range { model[Int(position)] = false }
      case 5:
        set.truncate(to: range.lowerBound)
        for position in range.lowerBound..<Self.universe { model[Int(position)] = false }
      default:
        var other = RangeSet(range)
        other.insert(Self.range(using: &generator))
        if Bool.random(using: &generator) { set.formUnion(other) } else { set.subtract(other) }
        model = Self.positions(of: set)
      }
      Self.checkForm(of: set)
      #expect(Self.positions(of: set) == model)
    }
  }

  @Test("Questions are answered as by a boolean a position", arguments: 1...40 as ClosedRange<UInt64>)
  func questions(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var set = RangeSet()
    for _ in 0..<8 { set.insert(Self.range(using: &generator)) }
    let model = Self.positions(of: set)
    for _ in 0..<200 {
      let range = Self.range(using: &generator)
      let inside = range.map { model[Int($0)] }
      #expect(set.contains(range) == inside.allSatisfy { $0 })
      #expect(set.overlaps(range) == inside.contains(true))
      let intersection = set.intersection(range)
      Self.checkForm(of: intersection)
      let gaps = set.gaps(in: range)
      Self.checkForm(of: gaps)
      for position in range {
        #expect(intersection.contains(position..<position + 1) == model[Int(position)])
        #expect(gaps.contains(position..<position + 1) == !model[Int(position)])
      }
      #expect(intersection.count + gaps.count == range.length)
      var end = range.lowerBound
      while end < Self.universe, model[Int(end)] { end += 1 }
      #expect(set.end(ofRunAt: range.lowerBound) == end)
    }
  }

  @Test("The whole union and difference of two sets", arguments: 1...20 as ClosedRange<UInt64>)
  func algebra(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var a = RangeSet()
    var b = RangeSet()
    for _ in 0..<6 {
      a.insert(Self.range(using: &generator))
      b.insert(Self.range(using: &generator))
    }
    var union = a
    union.formUnion(b)
    let both = zip(Self.positions(of: a), Self.positions(of: b))
    #expect(Self.positions(of: union) == both.map { $0 || $1 })
    #expect(Self.positions(of: a.subtracting(b)) == both.map { $0 && !$1 })
  }

  @Test("Ranges at the end of the numbers")
  func extremes() {
    var set = RangeSet(0..<UInt64.max)
    set.remove(5..<6)
    #expect(set.ranges == [0..<5, 6..<UInt64.max])
    set.truncate(to: 100)
    #expect(set.count == 99)
    #expect(Range<UInt64>(offset: .max - 1, count: 10) == UInt64.max - 1..<UInt64.max)
  }
}
