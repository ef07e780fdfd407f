import AFSBase
import AFSClient
import Testing

@testable import AFSFuse

@Suite struct NodeTableTests {
  private func node(_ number: UInt64, mount: UInt32 = 0) -> MemoryFileSystem.MemoryNode {
    MemoryFileSystem.MemoryNode(MemoryFileSystem.key(number, mount: mount))
  }

  private func table(namesMax: Int = 100) -> NodeTable { NodeTable(root: node(1), namesMax: namesMax) }

  private func remember(_ name: String, in id: UInt64, _ table: NodeTable) -> Bool {
    Array(name.utf8).withUnsafeBytes { table.remember($0, in: id, now: .zero) }
  }

  @Test("A node keeps its id until the kernel has given back every reference")
  func references() {
    let table = table()
    let id = table.reference(node(2))
    #expect(table.reference(node(2)) == id)
    #expect(table.dereference(id, count: 1) == nil)
    #expect(table[id] != nil)
    #expect(table.dereference(id, count: 1)?.key == node(2).key)
    #expect(table[id] == nil)
  }

  @Test("An id is never used again")
  func newIDs() {
    let table = table()
    let first = table.reference(node(2))
    _ = table.dereference(first, count: 1)
    #expect(table.reference(node(2)) > first)
  }

  @Test("The root is never forgotten")
  func root() {
    let table = table()
    #expect(table.dereference(NodeTable.rootID, count: 1_000_000) == nil)
    #expect(table[NodeTable.rootID]?.key == node(1).key)
  }

  @Test("One file below two mount points has two ids, which know of each other")
  func aliases() {
    let table = table()
    let (first, second) = (table.reference(node(2)), table.reference(node(2, mount: 7)))
    #expect(first != second)
    #expect(Set(table.ids(of: node(2).key.file)) == [first, second])
    #expect(table.aliases(of: first) == [second])
    #expect(table.aliases(of: second) == [first])
    _ = table.dereference(first, count: 1)
    #expect(table.aliases(of: second) == [])
    #expect(table.ids(of: node(2).key.file) == [second])
    _ = table.dereference(second, count: 1)
    #expect(table.ids(of: node(2).key.file) == [])
  }

  @Test("Names are taken once, and go with their directory")
  func names() {
    let table = table()
    let id = table.reference(node(2))
    #expect(remember("a", in: id, table))
    #expect(remember("a", in: id, table))
    #expect(remember("b", in: id, table))
    #expect(table.nameCount == 2)
    #expect(table.takeNames(of: id).names.count == 2)
    #expect(table.nameCount == 0)
    #expect(table.takeNames(of: id).names.isEmpty)
    #expect(remember("c", in: id, table))
    _ = table.dereference(id, count: 1)
    #expect(table.nameCount == 0)
  }

  @Test("When the table of names is full, only known names may be cached")
  func fullOfNames() {
    let table = table(namesMax: 2)
    #expect(remember("a", in: 1, table))
    #expect(remember("b", in: 1, table))
    #expect(!remember("c", in: 1, table))
    #expect(remember("a", in: 1, table))
    #expect(!remember("x", in: 99, table), "an unknown directory")
  }

  @Test("Random references and returns keep the table consistent", arguments: [1, 2, 3, 4] as [UInt64])
  func random(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let table = table()
    var held: [UInt64: UInt64] = [:]
    for _ in 0..<3000 {
      if Bool.random(using: &generator) || held.isEmpty {
        let number = UInt64.random(in: 2...20, using: &generator)
        let mount = UInt32.random(in: 0...2, using: &generator)
        let id = table.reference(node(number, mount: mount))
        held[id, default: 0] += 1
        #expect(table[id]?.key == node(number, mount: mount).key)
      } else if let (id, count) = held.randomElement(using: &generator) {
        let given = UInt64.random(in: 1...count, using: &generator)
        let last = table.dereference(id, count: given) != nil
        #expect(last == (given == count))
        held[id] = given == count ? nil : count - given
      }
    }
    #expect(table.count == held.count + 1)
    for id in held.keys { #expect(table.ids(of: table[id]!.key.file).contains(id)) }
  }
}
