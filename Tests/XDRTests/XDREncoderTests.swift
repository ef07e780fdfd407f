import Testing
import XDR

@Suite struct XDREncoderTests {
  @Test("The example file of RFC 4506, section 7")
  func rfcExample() throws {
    var encoder = XDREncoder()
    try encoder.string("filename", Array("sillyprog".utf8), max: 255)
    encoder.uint32(2)
    try encoder.string("interpretor", Array("lisp".utf8), max: 255)
    try encoder.string("owner", Array("john".utf8), max: 32)
    try encoder.opaque("data", Array("(quit)".utf8), max: 65535)
    #expect(
      encoder.bytes == [
        0x00, 0x00, 0x00, 0x09, 0x73, 0x69, 0x6C, 0x6C, 0x79, 0x70, 0x72, 0x6F, 0x67, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x02, 0x00, 0x00, 0x00, 0x04, 0x6C, 0x69, 0x73, 0x70, 0x00, 0x00, 0x00, 0x04, 0x6A, 0x6F, 0x68, 0x6E,
        0x00, 0x00, 0x00, 0x06, 0x28, 0x71, 0x75, 0x69, 0x74, 0x29, 0x00, 0x00,
      ])
  }

  @Test("Characters take a word each, with C's sign")
  func chars() throws {
    var encoder = XDREncoder()
    try encoder.chars("name", [0x72, 0xE9], count: 4)
    #expect(encoder.bytes == [0, 0, 0, 0x72, 0xFF, 0xFF, 0xFF, 0xE9, 0, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test("The NUL that ends characters must have room")
  func charsLimit() {
    var encoder = XDREncoder()
    #expect(throws: XDRError(.tooLong(count: 4, max: 3), kind: .char, field: "name", offset: 0)) {
      try encoder.chars("name", [1, 2, 3, 4], count: 4)
    }
  }

  @Test("Missing elements of fixed arrays are zeros, too many are an error")
  func fixed() throws {
    var encoder = XDREncoder()
    try encoder.fixedArray("a", [1] as [UInt32], count: 2)
    try encoder.opaque("b", [5], count: 6)
    #expect(encoder.bytes == [0, 0, 0, 1, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0])
    #expect(throws: XDRError(.tooLong(count: 3, max: 2), kind: .array, field: "c", offset: 16)) {
      try encoder.fixedArray("c", [1, 2, 3] as [UInt32], count: 2)
    }
  }

  @Test("Limits of lengths hold for the sender too")
  func limits() {
    #expect(throws: XDRError(.tooLong(count: 2, max: 1), kind: .array, field: "ids", offset: 4)) {
      var encoder = XDREncoder()
      encoder.bool(true)
      try encoder.array("ids", [1, 2] as [Int32], max: 1)
    }
  }
}
