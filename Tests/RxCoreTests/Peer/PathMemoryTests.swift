import AFSBase
import Testing

@testable import RxCore

@Suite struct PathMemoryTests {
  @Test("A new call starts with its share of what the path carried, for as long as that is remembered")
  func shares() {
    var memory = PathMemory()
    let now = MonotonicTime(nanoseconds: 1)
    #expect(memory.start(sharers: 0, lifetime: .seconds(60), now: now) == nil)
    memory.note(PathMemory.Finding(window: 100, isLimit: true), sharers: 4, now: now)
    #expect(memory.start(sharers: 0, lifetime: .seconds(60), now: now)?.window == 400)
    let share = memory.start(sharers: 7, lifetime: .seconds(60), now: now)
    #expect(share == PathMemory.Finding(window: 50, isLimit: true))
    #expect(memory.start(sharers: 0, lifetime: .seconds(60), now: now + .seconds(61)) == nil)
  }
}
