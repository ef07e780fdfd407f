import RxCore

/// A DNS answer, taken apart with every length checked: it comes from the network (RFC 1035 section 4).
public struct DNSMessage: Hashable, Sendable {
  /// Where the message is wrong.
  public struct Malformed: Error, Hashable, CustomStringConvertible {
    public var offset: Int
    public var reason: String

    public var description: String { "\(reason) at byte \(offset)" }
  }

  /// RFC 1035 section 4.1.1: 0 no error, 2 server failure, 3 name error.
  public let responseCode: UInt8
  /// Records of known kinds from the answer section.
  public let answers: [DNSRecord]
  /// Records of known kinds from the additional section: addresses of the hosts that the answers name.
  public let additional: [DNSRecord]

  package init(responseCode: UInt8 = 0, answers: [DNSRecord] = [], additional: [DNSRecord] = []) {
    self.responseCode = responseCode
    self.answers = answers
    self.additional = additional
  }

  public init(parsing bytes: [UInt8]) throws(Malformed) {
    var reader = DNSReader(bytes)
    _ = try reader.uint16()
    let flags = try reader.uint16()
    guard flags & 0x8000 != 0 else { throw Malformed(offset: 2, reason: "not an answer") }
    responseCode = UInt8(flags & 0xF)
    let questions = try reader.uint16()
    let counts = [try reader.uint16(), try reader.uint16(), try reader.uint16()]
    for _ in 0..<questions {
      _ = try reader.name()
      try reader.skip(4)
    }
    var sections: [[DNSRecord]] = []
    // Counts that promise more than there is are errors, and end the loops early.
    for count in counts {
      var records: [DNSRecord] = []
      for _ in 0..<count {
        if let record = try reader.record() { records.append(record) }
      }
      sections.append(records)
    }
    answers = sections[0]
    additional = sections[2]
  }
}

/// Reads the parts of a DNS message.
private struct DNSReader {
  /// A name has 255 octets (RFC 1035 section 2.3.4), thus 127 labels at most, and no more pointers are of any use.
  private static let nameLengthMax = 255
  private static let pointersMax = 127

  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  private func malformed(_ reason: String) -> DNSMessage.Malformed {
    .init(offset: offset, reason: reason)
  }

  private func need(_ count: Int) throws(DNSMessage.Malformed) {
    guard bytes.count - offset >= count else { throw malformed("the message ends") }
  }

  mutating func skip(_ count: Int) throws(DNSMessage.Malformed) {
    try need(count)
    offset += count
  }

  mutating func uint8() throws(DNSMessage.Malformed) -> UInt8 {
    try need(1)
    defer { offset += 1 }
    return bytes[offset]
  }

  mutating func uint16() throws(DNSMessage.Malformed) -> UInt16 {
    UInt16(try uint8()) << 8 | UInt16(try uint8())
  }

  mutating func uint32() throws(DNSMessage.Malformed) -> UInt32 {
    UInt32(try uint16()) << 16 | UInt32(try uint16())
  }

  mutating func uint64() throws(DNSMessage.Malformed) -> UInt64 {
    UInt64(try uint32()) << 32 | UInt64(try uint32())
  }

  /// A name in lower case with dots between its labels. Other octets than those of host names become `?`: such a
  /// name is never asked for.
  mutating func name() throws(DNSMessage.Malformed) -> String {
    var text: [UInt8] = []
    var pointers = 0
    var afterFirstPointer: Int?
    while true {
      let length = try uint8()
      switch length >> 6 {
      case 0:
        if length == 0 {
          if let afterFirstPointer { offset = afterFirstPointer }
          return String(decoding: text, as: UTF8.self)
        }
        try need(Int(length))
        guard text.count + Int(length) + 1 <= Self.nameLengthMax else { throw malformed("a name is too long") }
        if !text.isEmpty { text.append(UInt8(ascii: ".")) }
        for byte in bytes[offset..<offset + Int(length)] { text.append(Self.hostOctet(byte)) }
        offset += Int(length)
      case 3:
        let target = Int(length & 0x3F) << 8 | Int(try uint8())
        pointers += 1
        // Pointers lead backwards (RFC 1035 section 4.1.4): each to before itself, so that there is an end.
        guard target < offset - 2, pointers <= Self.pointersMax else { throw malformed("a name has no end") }
        afterFirstPointer = afterFirstPointer ?? offset
        offset = target
      default:
        throw malformed("a label of an unknown kind")
      }
    }
  }

  private static func hostOctet(_ byte: UInt8) -> UInt8 {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
      UInt8(ascii: "_"):
      byte
    default: UInt8(ascii: "?")
    }
  }

  /// nil for kinds and classes that do not count.
  mutating func record() throws(DNSMessage.Malformed) -> DNSRecord? {
    let owner = try name()
    let kind = DNSRecord.Kind(rawValue: try uint16())
    let isInternet = try uint16() == 1
    let life = try uint32()
    let length = Int(try uint16())
    try need(length)
    let end = offset + length
    defer { offset = end }
    guard let kind, isInternet else { return nil }
    let content = try content(kind)
    guard offset == end else { throw malformed("a record's length does not fit its contents") }
    // RFC 2181 section 8: a time to live with the highest bit set is 0.
    return DNSRecord(owner: owner, timeToLive: life >> 31 == 0 ? life : 0, content: content)
  }

  private mutating func content(_ kind: DNSRecord.Kind) throws(DNSMessage.Malformed) -> DNSRecord.Content {
    switch kind {
    case .a: .address(RxAddress(ipv4: try uint32(), port: 0))
    case .aaaa: .address(RxAddress(high: try uint64(), low: try uint64(), port: 0))
    case .afsdb: .database(subtype: try uint16(), host: try name())
    case .srv:
      .service(priority: try uint16(), weight: try uint16(), port: try uint16(), target: try name())
    }
  }
}
