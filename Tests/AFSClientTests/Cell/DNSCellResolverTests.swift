import AFSBase
import AFSTypes
import RxCore
import RxTransport
import Testing

@testable import AFSClient

@Suite struct DNSCellResolverTests {
  struct Question: Hashable {
    var name: String
    var kind: DNSRecord.Kind
  }

  /// Has answers for some questions; the others have none, or fail.
  struct ScriptedDNS: DNSResolver {
    var messages: [Question: DNSMessage] = [:]
    var failures: [Question: DNSFailure] = [:]

    func message(of name: String, _ kind: DNSRecord.Kind) async throws(DNSFailure) -> DNSMessage {
      let question = Question(name: name, kind: kind)
      if let failure = failures[question] { throw failure }
      return messages[question] ?? DNSMessage(responseCode: 3)
    }

    mutating func answer(_ name: String, _ contents: [DNSRecord.Content], timeToLive: UInt32 = 600) {
      let records = contents.map { DNSRecord(owner: name, timeToLive: timeToLive, content: $0) }
      messages[Question(name: name, kind: records[0].kind)] = DNSMessage(answers: records)
    }
  }

  static let service = "_afs3-vlserver._udp.a.example"

  static func address(_ last: UInt32, _ port: UInt16 = 0) -> RxAddress {
    RxAddress(ipv4: 0x0A00_0000 | last, port: port)
  }

  static func ask(
    _ dns: ScriptedDNS, _ cell: String = "a.example"
  ) async throws -> (servers: [RxAddress], validity: Duration)? {
    try await DNSCellResolver(dns: dns, seed: 1).locationServers(of: CellName(cell)!)
  }

  @Test("SRV records count by priority, with their ports")
  func services() async throws {
    var dns = ScriptedDNS()
    dns.answer(
      Self.service,
      [
        .service(priority: 2, weight: 0, port: 7003, target: "db2.a.example"),
        .service(priority: 1, weight: 0, port: 7103, target: "db1.a.example"),
      ])
    dns.answer("db1.a.example", [.address(Self.address(1))], timeToLive: 300)
    dns.answer("db2.a.example", [.address(Self.address(2)), .address(Self.address(3))])
    let found = try #require(try await Self.ask(dns))
    #expect(found.servers == [Self.address(1, 7103), Self.address(2, 7003), Self.address(3, 7003)])
    #expect(found.validity == .seconds(300))
  }

  @Test("AFSDB records of subtype 1 count where there is no SRV record")
  func databases() async throws {
    var dns = ScriptedDNS()
    dns.answer(
      "a.example", [.database(subtype: 2, host: "dce.a.example"), .database(subtype: 1, host: "db.a.example")])
    dns.answer("db.a.example", [.address(Self.address(4))])
    #expect(try await Self.ask(dns)?.servers == [Self.address(4, 7003)])
  }

  @Test("Addresses that come with the answer are not asked for, and IPv6 stands in for IPv4")
  func addresses() async throws {
    var dns = ScriptedDNS()
    let records: [DNSRecord.Content] = [
      .database(subtype: 1, host: "x.example"), .database(subtype: 1, host: "y.example"),
    ]
    dns.messages[Question(name: "a.example", kind: .afsdb)] = DNSMessage(
      answers: records.map { DNSRecord(owner: "a.example", timeToLive: 900, content: $0) },
      additional: [DNSRecord(owner: "x.example", timeToLive: 800, content: .address(Self.address(5)))])
    let six = RxAddress(high: 0x2001_0DB8_0000_0000, low: 1, port: 0)
    dns.answer("y.example", [.address(six)], timeToLive: 700)
    dns.failures[Question(name: "x.example", kind: .a)] = .timedOut
    let found = try #require(try await Self.ask(dns))
    #expect(found.servers == [Self.address(5, 7003), RxAddress(high: six.high, low: 1, port: 7003)])
    #expect(found.validity == .seconds(700))
  }

  @Test("Answers are kept for a minute at least and a day at most", arguments: [(1, 60), (9_999_999, 86_400)])
  func validity(timeToLive: UInt32, expected: Int) async throws {
    var dns = ScriptedDNS()
    dns.answer("a.example", [.database(subtype: 1, host: "db.a.example")], timeToLive: timeToLive)
    dns.answer("db.a.example", [.address(Self.address(4))], timeToLive: timeToLive)
    #expect(try await Self.ask(dns)?.validity == .seconds(expected))
  }

  @Test("No records, a service that is not offered and a host without address are no cell")
  func absent() async throws {
    #expect(try await Self.ask(ScriptedDNS()) == nil)
    var dns = ScriptedDNS()
    dns.answer("a.example", [.database(subtype: 1, host: "db.a.example")])
    #expect(try await Self.ask(dns) == nil)
    dns.answer("db.a.example", [.address(Self.address(4))])
    dns.answer(Self.service, [.service(priority: 0, weight: 0, port: 0, target: "")])
    #expect(try await Self.ask(dns) == nil)
  }

  @Test("A name without a dot is not asked for")
  func noDot() async throws {
    var dns = ScriptedDNS()
    dns.failures[Question(name: "_afs3-vlserver._udp.local", kind: .srv)] = .timedOut
    #expect(try await Self.ask(dns, "local") == nil)
  }

  @Test(
    "A failure of DNS is not an answer",
    arguments: [
      (DNSFailure.timedOut, AFSError.timedOut), (.refused(responseCode: 2), .unreachable),
      (.unreachable(111), .unreachable), (.tooManyQuestions, .unreachable), (.cancelled, .interrupted),
    ])
  func failures(failure: DNSFailure, expected: AFSError) async throws {
    for question in [
      Question(name: Self.service, kind: .srv), Question(name: "a.example", kind: .afsdb),
      Question(name: "db.a.example", kind: .a),
    ] {
      var dns = ScriptedDNS()
      dns.answer("a.example", [.database(subtype: 1, host: "db.a.example")])
      dns.failures[question] = failure
      await #expect(throws: expected) { try await Self.ask(dns) }
    }
  }

  @Test("Of several hosts one that is found is enough")
  func partly() async throws {
    var dns = ScriptedDNS()
    dns.answer("a.example", [.database(subtype: 1, host: "x.example"), .database(subtype: 1, host: "y.example")])
    dns.failures[Question(name: "x.example", kind: .a)] = .timedOut
    dns.answer("y.example", [.address(Self.address(6))])
    #expect(try await Self.ask(dns)?.servers == [Self.address(6, 7003)])
  }

  @Test("Heavier records of one priority come first more often, in proportion")
  func weights() {
    let records = [(0, 0), (1, 10), (2, 30)].map { index, weight in
      DNSRecord(
        owner: "", timeToLive: 0, content: .service(priority: 1, weight: UInt16(weight), port: 1, target: "\(index)"))
    }
    var generator = SeededGenerator(seed: 5)
    var first: [DNSRecord: Int] = [:]
    for _ in 0..<4100 {
      let ordered = DNSCellResolver.ordered(records, using: &generator)
      #expect(Set(ordered) == Set(records))
      first[ordered[0], default: 0] += 1
    }
    // Expected: 1, 10 and 30 of 41.
    #expect((50...150).contains(first[records[0]] ?? 0))
    #expect((850...1150).contains(first[records[1]] ?? 0))
    #expect((2850...3150).contains(first[records[2]] ?? 0))
  }
}
