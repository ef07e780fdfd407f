import Testing
import XDR

@Suite struct XDRDecoderTests {
  @Test("Numbers are big-endian, four bytes a unit")
  func numbers() throws {
    var decoder = XDRDecoder([
      0xFF, 0xFF, 0xFF, 0xFE, 0x80, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFD,
      0, 0, 0, 1,
    ])
    #expect(try decoder.int32("a") == -2)
    #expect(try decoder.uint32("b") == 0x8000_0001)
    #expect(try decoder.uint64("c") == 0x1_0000_0002)
    #expect(try decoder.int64("d") == -3)
    #expect(try decoder.bool("e"))
    try decoder.finish()
    #expect(decoder.offset == 28)
  }

  @Test("Small numbers are the low part of a word, whatever the sender put above")
  func smallNumbers() throws {
    var decoder = XDRDecoder([
      0xFF, 0xFF, 0xFF, 0xE9, 0, 0, 0, 0xE9, 0xFF, 0xFF, 0x80, 1, 0, 0, 0x80, 1, 0xFF, 0xFF, 0xFF, 0xFB,
    ])
    #expect(try decoder.char("a") == 0xE9)
    #expect(try decoder.char("b") == 0xE9)
    #expect(try decoder.uint16("c") == 0x8001)
    #expect(try decoder.uint16("d") == 0x8001)
    #expect(try decoder.int16("e") == -5)
  }

  @Test("A bool is 0 or 1")
  func bool() {
    var decoder = XDRDecoder([0, 0, 0, 0, 0, 0, 0, 2])
    #expect(throws: XDRError(.badValue(2), kind: .bool, field: "online", offset: 4)) {
      #expect(try !decoder.bool("ready"))
      _ = try decoder.bool("online")
    }
  }

  @Test("Bytes are padded to four, and the padding's content does not matter", arguments: 0...9)
  func padding(count: Int) throws {
    let value = (0..<count).map { UInt8($0 + 1) }
    let pad = [UInt8](repeating: 0xAA, count: (4 - count % 4) % 4)
    var decoder = XDRDecoder([0, 0, 0, UInt8(count)] + value + pad + value + pad + [0, 0, 0, 7])
    #expect(try decoder.opaque("a", max: 9) == value)
    #expect(try decoder.opaque("b", count: count) == value)
    #expect(try decoder.uint32("c") == 7)
    try decoder.finish()
  }

  @Test("Characters in words end at the first NUL, and the whole array is consumed")
  func chars() throws {
    var decoder = XDRDecoder([0, 0, 0, 0x72, 0xFF, 0xFF, 0xFF, 0xE9, 0, 0, 0, 0, 0, 0, 0, 0x78, 0, 0, 0, 1])
    #expect(try decoder.chars("name", count: 4) == [0x72, 0xE9])
    #expect(try decoder.uint32("next") == 1)
  }

  @Test("A value that is cut off names its field, its place and the bytes missing")
  func truncated() {
    var decoder = XDRDecoder([0, 0, 0, 1, 0, 0])
    #expect(throws: XDRError(.truncated(missing: 2), kind: .uint32, field: "vnode", offset: 4)) {
      _ = try decoder.uint32("volume")
      _ = try decoder.uint32("vnode")
    }
    #expect(throws: XDRError(.truncated(missing: 1), kind: .string, field: "name", offset: 0)) {
      var decoder = XDRDecoder([0, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0])
      _ = try decoder.string("name", max: 5)
    }
  }

  @Test("A length above the limit is refused before anything is taken")
  func tooLong() {
    var decoder = XDRDecoder([0, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0])
    #expect(throws: XDRError(.tooLong(count: 5, max: 4), kind: .opaque, field: "acl", offset: 0)) {
      _ = try decoder.opaque("acl", max: 4)
    }
  }

  @Test("A length within the limit which the bytes cannot hold is truncation, not an allocation")
  func lyingLength() {
    var decoder = XDRDecoder([0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1])
    #expect(
      throws: XDRError(.truncated(missing: 0x7FFF_FFFF * 8 - 4), kind: .array, field: "statistics", offset: 0)
    ) {
      _ = try decoder.array("statistics", max: .max, of: UInt64.self)
    }
  }

  @Test("Arrays hold their elements in order")
  func arrays() throws {
    var decoder = XDRDecoder([0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0, 6])
    #expect(try decoder.array("ids", max: 2, of: Int32.self) == [9, 8])
    #expect(try decoder.fixedArray("flags", count: 2, of: UInt32.self) == [7, 6])
    try decoder.finish()
  }

  @Test("Bytes after a whole message are an error")
  func trailing() {
    #expect(throws: XDRError(.trailingBytes(count: 1), kind: .message, field: "end", offset: 4)) {
      _ = try UInt32(decoding: [0, 0, 0, 1, 0])
    }
  }

  @Test("An error's text says field, kind, place and reason")
  func description() {
    let error = XDRError(.truncated(missing: 2), kind: .uint32, field: "vnode", offset: 4)
    #expect(error.description == "vnode (uint32) at byte 4: truncated, 2 bytes missing")
  }
}
