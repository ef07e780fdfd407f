import AFSBase
import AFSTypes
import Testing

@testable import AFSClient

@Suite struct CellServDBTests {
  static func parse(_ text: String) -> CellServDB { CellServDB(parsing: Array(text.utf8)) }

  @Test("Cells have comments, linked cells, servers and clones")
  func whole() throws {
    let parsed = Self.parse(
      """
      # the cells of this test

      >Example.org            # An organisation
      192.0.2.1               #afsdb1.example.org
      [192.0.2.2]  #afsdb2.example.org and more
      >a.example b.example #Two
      10.0.0.1\t\r
      """)
    #expect(parsed.problems.isEmpty)
    #expect(parsed.entries.map(\.name.text) == ["example.org", "a.example"])
    let first = try #require(parsed.entry(CellName("example.org")!))
    #expect(first.comment == "An organisation")
    #expect(
      first.servers == [
        .init(address: 0xC000_0201, hostName: "afsdb1.example.org"),
        .init(address: 0xC000_0202, hostName: "afsdb2.example.org", isClone: true),
      ])
    #expect(parsed.entries[1].linkedCell?.text == "b.example")
    #expect(parsed.entries[1].servers == [.init(address: 0x0A00_0001)])
  }

  @Test(
    "A malformed line is a problem with its number, and the rest counts",
    arguments: [
      ("1.2.3", "not an IPv4 address"), ("1.2.3.256 #x", "not an IPv4 address"), ("[1.2.3.4 #x", "] is missing"),
      ("1.2.3.4 host", "not an address and a #host name"), ("0.0.0.0", "0.0.0.0 is no server"),
      ("1.2.3.4444", "not an IPv4 address"), ("+1.2.3.4", "not an IPv4 address"), ("[]", "not an IPv4 address"),
    ])
  func malformed(line: String, reason: String) {
    let parsed = Self.parse(">a.example\n\(line)\n10.0.0.1 #db\n>b.example\n10.0.0.2\n")
    #expect(parsed.problems == [.init(line: 2, text: line, reason: reason)])
    #expect(parsed.entries.map { $0.servers.map(\.address) } == [[0x0A00_0001], [0x0A00_0002]])
  }

  @Test("Servers below a bad cell line belong to no cell")
  func badCell() {
    let parsed = Self.parse(">a.example\n10.0.0.1\n>not/a/cell\n10.0.0.2\n> # none\n>a b c\n>c.example ..\n")
    #expect(parsed.entries.map { $0.servers.count } == [1])
    #expect(parsed.problems.map(\.line) == [3, 4, 5, 6, 7])
  }

  @Test("A cell that is listed twice has the servers of both")
  func twice() {
    let parsed = Self.parse(">a.example\n10.0.0.1\n>b.example\n>A.example\n10.0.0.2\n10.0.0.1\n")
    #expect(parsed.entries.map { $0.servers.map(\.address) } == [[0x0A00_0001, 0x0A00_0002], []])
  }

  @Test("Host names without addresses are kept, other comments are not")
  func hostNames() {
    let parsed = Self.parse(">a.example\n# db1.a.example\n# see the web\n#10.0.0.1\n#word\n0.0.0.0 #db2.a.example\n")
    #expect(parsed.entries[0].hostNames == ["db1.a.example", "db2.a.example"])
    #expect(parsed.entries[0].servers.isEmpty)
    #expect(parsed.problems.isEmpty)
  }

  @Test("Comments need not be UTF-8")
  func encoding() {
    let bytes = Array(">a.example #Universit".utf8) + [0xE4] + Array("t\n10.0.0.1 #".utf8) + [0xFF, 10]
    let parsed = CellServDB(parsing: bytes)
    #expect(parsed.entries[0].comment == "Universit\u{FFFD}t")
    #expect(parsed.entries[0].servers.count == 1)
    #expect(parsed.problems.isEmpty)
  }

  @Test("Random bytes never trap, and each line counts once at most", arguments: 1...20 as ClosedRange<UInt64>)
  func fuzz(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let alphabet = Array(">#[]. \t\n\n0129aZ-_\r".utf8) + [0, 0xC3, 0xFF]
    for _ in 0..<200 {
      let bytes = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
        alphabet.randomElement(using: &generator)!
      }
      let parsed = CellServDB(parsing: bytes)
      let lines = bytes.count { $0 == 10 } + 1
      let servers = parsed.entries.reduce(0) { $0 + $1.servers.count + $1.hostNames.count + 1 }
      #expect(servers + parsed.problems.count <= lines)
    }
  }
}
