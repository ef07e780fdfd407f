import AFSBase
import RxCore
import Testing

@testable import RxTransport

/// DNS messages, written byte by byte.
enum DNSBytes {
  static func name(_ text: String) -> [UInt8] {
    text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
  }

  static func uint16(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }

  static func record(
    _ owner: [UInt8], _ type: UInt16, _ data: [UInt8], timeToLive: UInt16 = 300, kind: UInt16 = 1
  ) -> [UInt8] {
    owner + uint16(type) + uint16(kind) + [0, 0] + uint16(timeToLive) + uint16(UInt16(data.count)) + data
  }

  /// An answer to a question for `name`, which stands at byte 12.
  static func message(
    _ name: String, _ type: UInt16, code: UInt8 = 0, identifier: UInt16 = 7, answers: [[UInt8]] = [],
    additional: [[UInt8]] = []
  ) -> [UInt8] {
    uint16(identifier) + [0x81, 0x80 | code] + uint16(1) + uint16(UInt16(answers.count)) + uint16(0)
      + uint16(UInt16(additional.count)) + self.name(name) + uint16(type) + uint16(1)
      + answers.flatMap { $0 } + additional.flatMap { $0 }
  }

  static let toQuestion: [UInt8] = [0xC0, 12]

  /// One of each kind, compressed.
  static let sample = message(
    "a.Example", 33,
    answers: [
      record(toQuestion, 33, uint16(1) + uint16(2) + uint16(7003) + [2] + Array("DB".utf8) + toQuestion),
      record(toQuestion, 18, uint16(1) + name("db2.b.example")),
      record(toQuestion, 16, [3, 1, 2, 3]),
      record(toQuestion, 1, [10, 0, 0, 9], kind: 3),
    ],
    additional: [
      record(name("db.a.example"), 1, [10, 0, 0, 1], timeToLive: 60),
      record(name("db.a.example"), 28, [0x20, 1] + [UInt8](repeating: 0, count: 13) + [5]),
    ])
}

@Suite struct DNSMessageTests {
  @Test("Records of all kinds are understood, compressed names too")
  func sample() throws {
    let message = try DNSMessage(parsing: DNSBytes.sample)
    #expect(message.responseCode == 0)
    #expect(
      message.answers == [
        DNSRecord(
          owner: "a.example", timeToLive: 300,
          content: .service(priority: 1, weight: 2, port: 7003, target: "db.a.example")),
        DNSRecord(owner: "a.example", timeToLive: 300, content: .database(subtype: 1, host: "db2.b.example")),
      ])
    #expect(
      message.additional == [
        DNSRecord(
          owner: "db.a.example", timeToLive: 60, content: .address(RxAddress(ipv4: 0x0A00_0001, port: 0))),
        DNSRecord(
          owner: "db.a.example", timeToLive: 300,
          content: .address(RxAddress(high: 0x2001_0000_0000_0000, low: 5, port: 0))),
      ])
    #expect(try DNSMessage(parsing: DNSBytes.message("x.example", 1, code: 3)).responseCode == 3)
  }

  @Test("Every shortened message is an error")
  func shortened() {
    for length in 0..<DNSBytes.sample.count {
      #expect(throws: DNSMessage.Malformed.self) { try DNSMessage(parsing: Array(DNSBytes.sample[..<length])) }
    }
  }

  @Test(
    "Names without an end, too long ones and odd labels are errors",
    arguments: [
      // To itself, forwards, back to a label that leads to the pointer again, labels of the other kinds.
      [0xC0, 12], [0xC0, 14, 0], [1, 0x61, 0xC0, 12], [0x40, 0], [0x80, 0],
      [UInt8](repeating: 1, count: 300) + [0],
    ])
  func names(name: [UInt8]) {
    let bytes = [0, 7, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0] + name + [0, 1, 0, 1]
    #expect(throws: DNSMessage.Malformed.self) { try DNSMessage(parsing: bytes) }
  }

  @Test("A record whose length does not fit, and a question, are errors")
  func lengths() {
    for data: [UInt8] in [[10, 0, 0], [10, 0, 0, 1, 0]] {
      let bytes = DNSBytes.message("a.example", 1, answers: [DNSBytes.record(DNSBytes.toQuestion, 1, data)])
      #expect(throws: DNSMessage.Malformed.self) { try DNSMessage(parsing: bytes) }
    }
    var question = DNSBytes.sample
    question[2] &= 0x7F
    #expect(throws: DNSMessage.Malformed.self) { try DNSMessage(parsing: question) }
  }

  @Test("Octets which no host name has become a mark, times to live with the highest bit become 0")
  func oddities() throws {
    let owner: [UInt8] = [3, 0x61, 0x2E, 0xFF, 0]
    var record = DNSBytes.record(owner, 1, [10, 0, 0, 1])
    record[owner.count + 4] = 0x80
    let message = try DNSMessage(parsing: DNSBytes.message("a.example", 1, answers: [record]))
    #expect(message.answers.map(\.owner) == ["a??"])
    #expect(message.answers.map(\.timeToLive) == [0])
  }

  @Test("Damaged messages never trap, and names stay within their bound", arguments: 1...20 as ClosedRange<UInt64>)
  func fuzz(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var understood = 0
    for _ in 0..<2000 {
      var bytes = DNSBytes.sample
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let place = bytes.indices.randomElement(using: &generator)!
        bytes[place] = Bool.random(using: &generator) ? UInt8.random(in: 0...255, using: &generator) : 0xC0
      }
      if Bool.random(using: &generator) { bytes.removeLast(Int.random(in: 0..<20, using: &generator)) }
      guard let message = try? DNSMessage(parsing: bytes) else { continue }
      understood += 1
      #expect((message.answers + message.additional).allSatisfy { $0.owner.utf8.count <= 255 })
    }
    #expect(understood > 0)
  }
}
