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

  @Test("Names above 256 bytes are too long; empty ones and those with a NUL or a slash are invalid")
  func names() throws {
    var directory = Self.new()
    #expect(throws: DirectoryObject.EditError.nameTooLong) {
      try directory.insert([UInt8](repeating: 97, count: 257), vnode: 2, unique: 2)
    }
    for name in [[], [97, 0, 97], [97, 47]] as [[UInt8]] {
      #expect(throws: DirectoryObject.EditError.invalidName) { try directory.insert(name, vnode: 2, unique: 2) }
    }
    let longest = [UInt8](repeating: 97, count: 256)
    try directory.insert(longest, vnode: 2, unique: 2)
    #expect(try DirectoryObject(directory.bytes).lookup(longest)?.vnode == 2)
  }

  @Test("Names differ by case and by any byte, and a NUL in a name asked for finds nothing")
  func exact() throws {
    var directory = Self.new()
    for (index, name) in [[0xC3, 0xA4], [0xE4], Array("readme".utf8), Array("README".utf8)].enumerated() {
      try directory.insert(name, vnode: UInt64(index), unique: 1)
    }
    #expect(directory.lookup([0xE4])?.vnode == 1)
    #expect(directory.lookup([0xC3, 0xA4])?.vnode == 0)
    #expect(directory.lookup(Array("README".utf8))?.vnode == 3)
    #expect(directory.lookup(Array("Readme".utf8)) == nil)
    #expect(directory.lookup(Array("README".utf8) + [0]) == nil)
    #expect(directory.lookup([UInt8](repeating: 0, count: 4096)) == nil)
    #expect(directory.lookup([]) == nil)
  }

  /// The bytes of a directory with entries of many lengths, some of them removed again.
  static func sample(_ generator: inout SeededGenerator) -> [UInt8] {
    var directory = new()
    for number in 0..<80 { try? directory.insert(name(&generator), vnode: UInt64(number), unique: 1) }
    for entry in directory.entries where Int.random(in: 0..<4, using: &generator) == 0 {
      try? directory.remove(entry.name)
    }
    return directory.bytes
  }

  @Test("A damaged object is refused, or read and edited without a trap", arguments: 1...400 as ClosedRange<UInt64>)
  func fuzz(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var bytes = Self.sample(&generator)
    let headerOnly = Bool.random(using: &generator)
    for _ in 0..<Int.random(in: 1...20, using: &generator) {
      // Half of the seeds hit the chains and tables, where damage does most.
      let end = headerOnly ? 13 * 32 : bytes.count
      bytes[Int.random(in: 0..<end, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
    }
    if Int.random(in: 0..<4, using: &generator) == 0 {
      bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
    }
    guard var parsed = try? DirectoryObject(bytes) else { return }
    #expect(parsed.entries.count <= parsed.entryCount)
    for entry in parsed.entries where parsed.flaw == nil { #expect(parsed.lookup(entry.name) != nil) }
    for entry in parsed.entries {
      _ = parsed.lookup(entry.name + [97])
      try? parsed.remove(entry.name)
      try? parsed.insert(Self.name(&generator), vnode: 4, unique: 4)
    }
    let edited = try DirectoryObject(parsed.bytes)
    #expect((edited.flaw == nil) == (parsed.flaw == nil))
  }

  @Test("An object whose tables call taken blobs free is read, but not edited")
  func flawedTables() throws {
    var bytes = Self.new().bytes
    // `..` is blob 14: bit 6 of the second byte of the bitmap.
    bytes[6] &= 0xBF
    var directory = try DirectoryObject(bytes)
    #expect(directory.flaw == .allocation(page: 0))
    #expect(directory.lookup(Array("..".utf8))?.blob == 14)
    #expect(throws: DirectoryObject.EditError.flawed(.allocation(page: 0))) {
      try directory.insert(Array("x".utf8), vnode: 2, unique: 2)
    }
    #expect(throws: DirectoryObject.EditError.flawed(.allocation(page: 0))) { try directory.remove(Array("..".utf8)) }
    #expect(directory.bytes == bytes)
    bytes = Self.new().bytes
    bytes[32 + 5] = 63
    #expect(try DirectoryObject(bytes).flaw == .allocation(page: 5))
  }

  @Test("An entry in the wrong chain is listed, but not found, as servers have it; edits are refused")
  func wrongChain() throws {
    var bytes = Self.new().bytes
    let head = 160 + 2 * DirectoryFormat.chain(of: Array("..".utf8))
    let other = 160 + 2 * ((DirectoryFormat.chain(of: Array("..".utf8)) + 1) % 128)
    (bytes[other], bytes[other + 1]) = (bytes[head], bytes[head + 1])
    (bytes[head], bytes[head + 1]) = (0, 0)
    let directory = try DirectoryObject(bytes)
    #expect(directory.flaw == .wrongChain(blob: 14))
    #expect(directory.entries.count == 2)
    #expect(directory.lookup(Array("..".utf8)) == nil)
  }

  @Test("A name with a slash is left out of listings")
  func slash() throws {
    var directory = Self.new()
    try directory.insert(Array("a!b".utf8), vnode: 2, unique: 2)
    try directory.insert(Array("c".utf8), vnode: 4, unique: 4)
    var bytes = directory.bytes
    bytes[15 * 32 + 13] = UInt8(ascii: "/")
    #expect(try DirectoryObject(bytes).entries.map(\.blob) == [13, 14, 16])
  }

  @Test("The bytes of a small directory are the server's")
  func bytes() throws {
    var directory = Self.new()
    try directory.insert(Array("hello".utf8), vnode: 0x102, unique: 0x304)
    try directory.insert([UInt8](repeating: 120, count: 16), vnode: 6, unique: 7)
    let bytes = directory.bytes
    // Page header: one page, tag 1234, 51 blobs free at first, blobs 0 to 17 in use.
    #expect(Array(bytes[0..<13]) == [0, 1, 0x04, 0xD2, 51, 0xFF, 0xFF, 0x03, 0, 0, 0, 0, 0])
    #expect(bytes[32] == 46)
    #expect(bytes[33..<160].allSatisfy { $0 == 64 })
    // `.` hashes to 46, `..` to 46 * 173 + 46 = 8004, which is 68 modulo 128.
    #expect(directory.chainHead(46) == 13)
    #expect(directory.chainHead(68) == 14)
    #expect(Array(bytes[15 * 32..<15 * 32 + 18]) == [1, 0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4] + Array("hello".utf8) + [0])
    #expect(directory.lookup([UInt8](repeating: 120, count: 16))?.blob == 16)
  }

  @Test(
    "Chains of names: bytes count unsigned, and a sum with the top bit set counts from the end",
    arguments: [
      ("abcd", 82),  // the sum is 0x1e1c91d2
      ("Makefile", 98),  // the sum is 0x827e719e
      ("README", 6),  // the sum is 0xeaf9786
      ("user", 87),  // the sum is 0x245073d7
      ("root.cell", 90),  // the sum is 0x23b950da
      ("ä", 107),  // the sum is 0x846b
    ])
  func hash(name: String, chain: Int) {
    #expect(DirectoryFormat.chain(of: Array(name.utf8)) == chain)
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
    #expect(throws: DirectoryObject.Damage.outside(blob: 0x7F00)) { try DirectoryObject(bad) }
    bad = good
    bad[blob * 32 + 3] = 12
    #expect(throws: DirectoryObject.Damage.outside(blob: 12)) { try DirectoryObject(bad) }
    bad = good
    bad[blob * 32 + 12] = 0
    #expect(throws: DirectoryObject.Damage.entry(blob: blob)) { try DirectoryObject(bad) }
    bad = good
    for index in blob * 32 + 12..<2048 { bad[index] = 97 }
    #expect(throws: DirectoryObject.Damage.entry(blob: blob)) { try DirectoryObject(bad) }
    // A name so long that it reaches into the next entry, `..` at blob 14.
    bad = good
    for index in 13 * 32 + 12..<14 * 32 { bad[index] = 97 }
    bad[14 * 32] = 0
    #expect(throws: DirectoryObject.Damage.shared(blob: 14)) { try DirectoryObject(bad) }
  }

  @Test("The page count in the header bounds the object; bytes beyond it are dropped, missing ones are damage")
  func pages() throws {
    var directory = Self.new()
    for number in 0..<100 { try directory.insert(Array(String(number).utf8), vnode: 2, unique: 2) }
    let bytes = directory.bytes
    #expect(bytes.count == 2 * 2048)
    #expect(throws: DirectoryObject.Damage.size(2048)) { try DirectoryObject(Array(bytes.prefix(2048))) }
    #expect(try DirectoryObject(bytes + [UInt8](repeating: 7, count: 2048)).bytes == bytes)
    var bad = bytes
    (bad[0], bad[1]) = (0x04, 0x00)
    #expect(throws: DirectoryObject.Damage.pageCount(1024)) { try DirectoryObject(bad) }
    // Very old servers kept no count.
    (bad[0], bad[1]) = (0, 0)
    #expect(try DirectoryObject(bad).entryCount == 102)
  }
}
