import AFSBase
import Testing

@testable import AFSClient

@Suite struct DirectoryObjectTests {
  static func new() -> DirectoryObject { .new(own: (3, 9), parent: (1, 1)) }

  static func name(_ generator: inout SeededGenerator) -> [UInt8] {
    let length = Int.random(in: 1...(Bool.random(using: &generator) ? 12 : 255), using: &generator)
    return (0..<length).map { _ in UInt8.random(in: 48...255, using: &generator) }
  }

  @Test("A new directory holds . and ..")
  func empty() throws {
    let directory = Self.new()
    #expect(directory.entries.map { String(decoding: $0.name, as: UTF8.self) } == [".", ".."])
    #expect(directory.lookup(Array(".".utf8))?.unique == 9)
    #expect(try DirectoryObject(directory.bytes).entryCount == 2)
  }

  @Test(
    "Random insertions and removals equal a dictionary, and the object stays well-formed",
    arguments: 1...12 as ClosedRange<UInt64>)
  func model(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var directory = Self.new()
    var model: [[UInt8]: UInt64] = [Array(".".utf8): 3, Array("..".utf8): 1]
    for step in 0..<600 {
      let known = model.keys.sorted { $0.lexicographicallyPrecedes($1) }
      if model.count > 4, Int.random(in: 0..<3, using: &generator) == 0 {
        let name = known[Int.random(in: 0..<known.count, using: &generator)]
        try directory.remove(name)
        model[name] = nil
      } else {
        let name = Self.name(&generator)
        if model[name] == nil {
          try directory.insert(name, vnode: UInt64(step), unique: 7)
          model[name] = UInt64(step)
        } else {
          #expect(throws: DirectoryObject.EditError.exists) { try directory.insert(name, vnode: 0, unique: 0) }
        }
      }
    }
    let parsed = try DirectoryObject(directory.bytes)
    #expect(Dictionary(uniqueKeysWithValues: parsed.entries.map { ($0.name, $0.vnode) }) == model)
    #expect(parsed.entryCount == directory.entryCount)
    for (name, vnode) in model { #expect(parsed.lookup(name)?.vnode == vnode) }
    #expect(parsed.lookup(Array("absent/".utf8)) == nil)
  }

  @Test("64,435 short names fit beside . and .., and not one more")
  func full() throws {
    var directory = Self.new()
    for number in 0..<64_435 { try directory.insert(Array(String(number).utf8), vnode: 2, unique: 2) }
    #expect(throws: DirectoryObject.EditError.full) { try directory.insert(Array("over".utf8), vnode: 2, unique: 2) }
    let parsed = try DirectoryObject(directory.bytes)
    #expect(parsed.entryCount == 64_437)
    #expect(parsed.lookup(Array("64434".utf8)) != nil)
  }

  @Test("Names above 255 bytes are refused")
  func long() {
    var directory = Self.new()
    #expect(throws: DirectoryObject.EditError.nameTooLong) {
      try directory.insert([UInt8](repeating: 97, count: 256), vnode: 2, unique: 2)
    }
  }

  @Test("A damaged object is refused or read without a trap", arguments: 1...300 as ClosedRange<UInt64>)
  func fuzz(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var directory = Self.new()
    for number in 0..<80 {
      try? directory.insert(Self.name(&generator), vnode: UInt64(number), unique: 1)
    }
    var bytes = directory.bytes
    for _ in 0..<Int.random(in: 1...20, using: &generator) {
      bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
    }
    if Bool.random(using: &generator) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator)) }
    if let parsed = try? DirectoryObject(bytes) {
      #expect(parsed.entries.count == parsed.entryCount)
      #expect(parsed.lookup(Array("x".utf8)) == nil)
    }
  }

  @Test("Truncated objects, wrong tags, loops and strays are named")
  func damage() throws {
    let good = Self.new().bytes
    #expect(throws: DirectoryObject.Damage.size(0)) { try DirectoryObject([]) }
    #expect(throws: DirectoryObject.Damage.size(2047)) { try DirectoryObject(Array(good.dropLast())) }
    var bad = good
    bad[3] = 0
    #expect(throws: DirectoryObject.Damage.pageTag(page: 0)) { try DirectoryObject(bad) }
    let blob = try #require(try DirectoryObject(good).lookup(Array("..".utf8))).blob
    bad = good
    bad[blob * 32 + 3] = UInt8(blob)
    #expect(throws: DirectoryObject.Damage.shared(blob: blob)) { try DirectoryObject(bad) }
    bad = good
    bad[blob * 32 + 2] = 0x7F
    #expect(throws: DirectoryObject.Damage.self) { try DirectoryObject(bad) }
  }
}
