import AFSBase
import Testing

@Suite struct RecencyMapTests {
  @Test("The key that was used least recently is the oldest") func order() {
    var map = RecencyMap<Int, String>()
    for key in 1...3 { map.insert("\(key)", for: key) }
    #expect(map.oldestKey == 1)
    #expect(map.use(1) == "1")
    #expect(map.oldestKey == 2)
    #expect(map.peek(2) == "2")
    #expect(map.oldestKey == 2)
    map.insert("two", for: 2)
    #expect(map.oldestKey == 3)
    #expect(map.peek(2) == "two")
  }

  @Test("Removed keys are gone, and their places are used again") func removal() {
    var map = RecencyMap<Int, Int>()
    for key in 0..<10 { map.insert(key, for: key) }
    for key in stride(from: 0, to: 10, by: 2) { #expect(map.remove(key) == key) }
    #expect(map.count == 5)
    #expect(map.remove(0) == nil)
    #expect(map.oldestKey == 1)
    for key in 10..<15 { map.insert(key, for: key) }
    var seen: Set<Int> = []
    map.forEach { key, _ in seen.insert(key) }
    #expect(seen == [1, 3, 5, 7, 9, 10, 11, 12, 13, 14])
  }

  @Test("Every value has a place, gaps or not") func places() {
    var map = RecencyMap<Int, Int>()
    for key in 0..<8 { map.insert(key, for: key) }
    for key in [0, 3, 6] { map.remove(key) }
    let values = (0..<map.count).compactMap { map.value(at: $0) }
    #expect(Set(values) == [1, 2, 4, 5, 7])
    #expect(map.value(at: map.count) == nil)
  }

  @Test("It behaves as a list that is searched", arguments: [1, 2, 3] as [UInt64]) func model(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var map = RecencyMap<Int, Int>()
    var model: [(key: Int, value: Int)] = []
    for step in 0..<5_000 {
      let key = Int.random(in: 0..<40, using: &generator)
      let place = model.firstIndex { $0.key == key }
      switch Int.random(in: 0..<3, using: &generator) {
      case 0:
        #expect(map.insert(step, for: key) == place.map { model[$0].value })
        if let place { model.remove(at: place) }
        model.append((key, step))
      case 1:
        #expect(map.use(key) == place.map { model[$0].value })
        if let place { model.append(model.remove(at: place)) }
      default:
        #expect(map.remove(key) == place.map { model[$0].value })
        if let place { model.remove(at: place) }
      }
      #expect(map.oldestKey == model.first?.key)
      #expect(map.count == model.count)
    }
  }

  @Test("A value that nobody else holds is seen to be unique in its place") func uniqueness() {
    final class Object {}
    var map = RecencyMap<Int, Object>()
    map.insert(Object(), for: 1)
    let held = Object()
    map.insert(held, for: 2)
    #expect(map.withValue(1) { isKnownUniquelyReferenced(&$0) } == true)
    #expect(map.withValue(2) { isKnownUniquelyReferenced(&$0) } == false)
    withExtendedLifetime(held) {}
  }
}
