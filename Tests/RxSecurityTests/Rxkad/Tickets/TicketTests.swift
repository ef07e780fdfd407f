import AFSBase
import AFSTypes
import RxCore
import Testing

@testable import RxSecurity

@Suite struct TicketTests {
  typealias Fixture = RxkadFixture

  static func open(_ ticket: [UInt8], _ keyVersion: UInt32) throws(RxSecurityFailure) -> RxkadTicket {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: ticket.count, alignment: 8)
    defer { copy.deallocate() }
    copy.copyBytes(from: ticket)
    return try RxkadTicket.open(
      UnsafeRawBufferPointer(copy), keyVersion: keyVersion, keys: Fixture.keys, now: WallTime(seconds: Fixture.now))
  }

  static func bytes(_ secret: SecretBytes) -> [UInt8] { secret.withUnsafeBytes { Array($0) } }

  @Test(
    "Lifetimes go into a byte and back, rounded up",
    arguments: [
      (Int64(1), Int64(300)), (300, 300), (301, 600), (38100, 38100), (38400, 38400), (38401, 41055),
      (2_592_000, 2_592_000),
    ])
  func lifetimes(seconds: Int64, rounded: Int64) throws {
    let byte = try #require(TicketLifetime.byte(start: 1000, end: 1000 + seconds))
    #expect(TicketLifetime.end(start: 1000, byte: byte) == 1000 + rounded)
  }

  @Test("Lifetimes that no byte holds")
  func impossibleLifetimes() {
    #expect(TicketLifetime.byte(start: 10, end: 10) == nil)
    #expect(TicketLifetime.byte(start: 10, end: 5) == nil)
    #expect(TicketLifetime.byte(start: 0, end: 2_592_001) == nil)
    #expect(TicketLifetime.byte(start: 10, end: RxkadTicket.never) == 255)
    #expect(TicketLifetime.end(start: 10, byte: 255) == RxkadTicket.never)
    #expect(TicketLifetime.end(start: 10, byte: 200) == 10 + 2_592_000)
  }

  @Test("A native ticket that a little-endian machine made is read in its order")
  func littleEndian() throws {
    var clear: [UInt8] = [1] + Array("alice\0\0\0".utf8) + [4, 3, 2, 1]
    clear += Self.bytes(Fixture.sessionKey) + [100]
    clear += withUnsafeBytes(of: UInt32(Fixture.now).littleEndian) { Array($0) }
    clear += Array("afs\0\0".utf8)
    while clear.count % 8 != 0 { clear.append(0) }
    var sealed = [UInt8](repeating: 0, count: clear.count)
    let key = Self.bytes(Fixture.desKey)
    #expect(DESCheck.pcbcEncrypt(clear, key: key, into: &sealed))
    let ticket = try Self.open(sealed, 7)
    #expect(ticket.starts == Fixture.now)
    #expect(ticket.ends == Fixture.now + 30000)
    #expect(ticket.client == RxPrincipal(name: "alice", cell: ""))
  }

  @Test(
    "Calendar times and seconds agree",
    arguments: [
      (Int64(0), "19700101000000Z"), (951_782_400, "20000229000000Z"), (1_800_000_000, "20270115080000Z"),
      (4_102_444_799, "20991231235959Z"),
    ])
  func calendar(seconds: Int64, text: String) throws {
    #expect(DERWriter.time(seconds) == Array(text.utf8))
    let bytes = Array(text.utf8)
    #expect(try bytes.withUnsafeBytes { try DERReader.time($0) } == seconds)
  }

  @Test(
    "Times that do not exist are none",
    arguments: [
      "20270230000000Z", "20271301000000Z", "20270101240000Z", "20270101006000Z", "2027010100000Z", "20270101000000",
      "2027010100000aZ", "00000101000000Z",
    ])
  func impossibleTimes(text: String) {
    #expect(throws: DERReader.Failure.self) { try Array(text.utf8).withUnsafeBytes { try DERReader.time($0) } }
  }

  @Test(
    "Integers are written in the shortest form and read back",
    arguments: [
      Int64(0), 1, 127, 128, 255, 256, -1, -128, -129, 1 << 31, Int64.max, Int64.min,
    ])
  func integers(value: Int64) throws {
    #expect(try DERWriter.integer(value).withUnsafeBytes { try DERReader.integer($0) } == value)
  }

  // MARK: Hostile tickets

  @Test("Random bytes are no tickets", arguments: [UInt32(256), 213, 7], UInt64(1)...10)
  func random(keyVersion: UInt32, seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      let count = Int.random(in: 32...300, using: &generator)
      let ticket = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let code = failureCode { _ = try Self.open(ticket, keyVersion) }
      #expect(code == .rxkadBadTicket || code == .rxkadUnknownKey)
    }
  }

  @Test(
    "Every byte changed in a Kerberos ticket is noticed, or leaves it as it was", arguments: [UInt8(0x01), 0x80, 0xFF])
  func mutated(mask: UInt8) throws {
    let good = Self.bytes(Fixture.credential().ticket)
    let opened = try Self.open(good, 256)
    for index in good.indices {
      var ticket = good
      ticket[index] ^= mask
      if let other = try? Self.open(ticket, 256) { #expect(other == opened, "byte \(index)") }
      _ = try? Self.open(Array(ticket[..<index]), 256)
    }
  }

  /// Where each field of the contents lies, with tag and length: changes elsewhere must not reach it.
  private func fields(of contents: KerberosTicketContents) throws -> [UInt8: Range<Int>] {
    var fields: [UInt8: Range<Int>] = [:]
    let bytes = contents.bytes
    try bytes.withUnsafeBytes { raw in
      var outer = DERReader(raw)
      var inner = try outer.inside(DERReader.Tag.application(3))
      var part = try inner.inside(DERReader.Tag.sequence)
      while let tag = part.nextTag {
        let start = raw.count - part.rest.count
        _ = try part.element(tag)
        fields[tag & 0x1F] = start..<(raw.count - part.rest.count)
      }
    }
    return fields
  }

  @Test("What is wrong in the contents of a ticket is noticed, or changes that field only", arguments: UInt64(1)...20)
  func wrongContents(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let now = WallTime(seconds: Fixture.now)
    let original = KerberosTicketContents(
      isInvalid: false, keyType: 1, key: Fixture.sessionKey, realm: "EXAMPLE.COM", components: ["alice", "admin"],
      starts: Fixture.now, ends: Fixture.now + 100)
    let (good, fields) = (original.bytes, try fields(of: original))
    #expect(fields.keys.sorted() == [0, 1, 2, 3, 4, 5, 6, 7])
    let whole = try original.ticket(now: now)
    var parsedCount = 0
    for _ in 0..<200 {
      var contents = good
      var changed: Set<Int> = []
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let index = Int.random(in: contents.indices, using: &generator)
        contents[index] ^= UInt8.random(in: 1...255, using: &generator)
        changed.insert(index)
      }
      if Int.random(in: 0..<10, using: &generator) == 0 {
        let count = Int.random(in: 1...contents.count, using: &generator)
        contents.removeLast(count)
        changed.formUnion(contents.count..<good.count)
      }
      contents.withUnsafeBytes { bytes in
        guard let parsed = try? KerberosTicketContents(bytes) else { return }
        parsedCount += 1
        func isTouched(_ numbers: UInt8...) -> Bool {
          numbers.contains { number in changed.contains { fields[number]?.contains($0) == true } }
        }
        #expect(isTouched(0) || parsed.isInvalid == original.isInvalid, "\(changed.sorted())")
        #expect(isTouched(1) || parsed.keyType == original.keyType && parsed.key == original.key, "\(changed.sorted())")
        #expect(isTouched(2) || parsed.realm == original.realm, "\(changed.sorted())")
        #expect(isTouched(3) || parsed.components == original.components, "\(changed.sorted())")
        #expect(isTouched(5, 6) || parsed.starts == original.starts, "\(changed.sorted())")
        #expect(isTouched(7) || parsed.ends == original.ends, "\(changed.sorted())")
        let ticket = try? parsed.ticket(now: now)
        // The user and the key are the maker's word, or there is no ticket.
        if !isTouched(0, 1, 2, 3, 5, 6, 7) {
          #expect(ticket == whole, "\(changed.sorted())")
        } else if let ticket {
          #expect(!parsed.isInvalid && ticket.ends >= Fixture.now && parsed.components.count <= 2)
        }
      }
    }
    // Not every change is noticed: the test would say nothing.
    #expect(parsedCount > 10)
  }
}
