import AFSBase
import Testing

@testable import AFSFuse

@Suite struct NameSetTests {
  private func names(_ set: NameSet) -> [[UInt8]] {
    var names: [[UInt8]] = []
    set.visit { names.append(Array($0)) }
    return names
  }

  @Test("A name is in the set once, whatever its bytes", arguments: [1, 2, 3] as [UInt64])
  func behavesAsASet(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var set = NameSet()
    var model: Set<[UInt8]> = []
    for _ in 0..<5000 {
      let length = Int.random(in: 1...(Bool.random(using: &generator) ? 2 : 255), using: &generator)
      let name = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let isNew = name.withUnsafeBytes { set.insert($0) }
      #expect(isNew == model.insert(name).inserted)
    }
    #expect(set.count == model.count)
    #expect(Set(names(set)) == model)
    #expect(names(set).count == model.count)
    for name in model { #expect(name.withUnsafeBytes { set.contains($0) }) }
    #expect(!Array("absent, surely, with this length".utf8).withUnsafeBytes { set.contains($0) })
  }

  @Test("An empty set contains nothing")
  func empty() {
    let set = NameSet()
    #expect(set.isEmpty)
    #expect(![UInt8]([1]).withUnsafeBytes { set.contains($0) })
    #expect(names(set).isEmpty)
  }
}
