import AFSBase
import Testing

@testable import AFSClient

@Suite struct LockTableTests {
  private func table(_ locks: (UInt64, Range<UInt64>, Bool)...) -> LockTable {
    var table = LockTable()
    for (owner, range, isExclusive) in locks {
      table.set(owner: owner, processID: Int32(owner), range: range, isExclusive: isExclusive)
    }
    return table
  }

  private func ranges(_ table: LockTable, of owner: UInt64) -> [Range<UInt64>] {
    table.held.filter { $0.owner == owner }.map(\.range).sorted { $0.lowerBound < $1.lowerBound }
  }

  @Test("Readers share, writers exclude, nobody excludes himself")
  func conflicts() {
    let table = table((1, 0..<10, false), (2, 20..<30, true))
    #expect(table.conflict(owner: 3, range: 0..<10, isExclusive: false) == nil)
    #expect(table.conflict(owner: 3, range: 0..<10, isExclusive: true)?.owner == 1)
    #expect(table.conflict(owner: 3, range: 29..<31, isExclusive: false)?.owner == 2)
    #expect(table.conflict(owner: 3, range: 30..<UInt64.max, isExclusive: true) == nil)
    #expect(table.conflict(owner: 2, range: 20..<30, isExclusive: true) == nil)
  }

  @Test("A lock in the middle of one's own splits it; neighbours of one kind become one")
  func splits() {
    var table = table((1, 0..<100, false), (1, 40..<60, true))
    #expect(ranges(table, of: 1) == [0..<40, 40..<60, 60..<100])
    table.set(owner: 1, processID: 1, range: 40..<60, isExclusive: false)
    #expect(ranges(table, of: 1) == [0..<100])
    let inTheMiddle = table.clear(owner: 1, range: 10..<20)
    #expect(ranges(table, of: 1) == [0..<10, 20..<100])
    let strangers = table.clear(owner: 2, range: 0..<UInt64.max)
    let rest = table.clear(owner: 1, range: 0..<UInt64.max)
    #expect([inTheMiddle, strangers, rest] == [true, false, true])
    #expect(table.isEmpty)
  }

  @Test("Random locks are those of a table with a row for every byte", arguments: 1...8 as ClosedRange<UInt64>)
  func model(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var table = LockTable()
    /// By owner and byte: 0 nothing, 1 shared, 2 exclusive.
    var model = [[Int]](repeating: [Int](repeating: 0, count: 32), count: 3)
    for _ in 0..<2000 {
      let owner = Int.random(in: 0..<3, using: &generator)
      let lower = Int.random(in: 0..<32, using: &generator)
      let upper = Int.random(in: lower + 1...32, using: &generator)
      let range = UInt64(lower)..<UInt64(upper)
      let kind = Int.random(in: 0..<3, using: &generator)
      if kind == 0 {
        let hadSome = table.clear(owner: UInt64(owner), range: range)
        #expect(hadSome == model[owner][lower..<upper].contains { $0 != 0 })
      } else {
        let excluded = model.indices.contains { other in
          other != owner && model[other][lower..<upper].contains { $0 == 2 || $0 == 1 && kind == 2 }
        }
        let conflict = table.conflict(owner: UInt64(owner), range: range, isExclusive: kind == 2)
        #expect((conflict != nil) == excluded)
        if excluded { continue }
        table.set(owner: UInt64(owner), processID: 1, range: range, isExclusive: kind == 2)
      }
      for byte in lower..<upper { model[owner][byte] = kind }
      check(table, model)
    }
  }

  private func check(_ table: LockTable, _ model: [[Int]]) {
    var seen = model.map { $0.map { _ in 0 } }
    for lock in table.held {
      for byte in lock.range {
        #expect(seen[Int(lock.owner)][Int(byte)] == 0, "locks of one owner overlap")
        seen[Int(lock.owner)][Int(byte)] = lock.isExclusive ? 2 : 1
      }
    }
    #expect(seen == model)
  }
}
