import AFSBase
import AFSControl
import Testing

@Suite struct JSONTests {
  private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

  @Test("A value survives its text", arguments: 1...20 as ClosedRange<UInt64>, [true, false])
  func roundTrip(seed: UInt64, indented: Bool) throws {
    var generator = SeededGenerator(seed: seed)
    let value = random(&generator, depth: 0)
    #expect(try parse(value.text(indented: indented)) == value)
  }

  private func random(_ generator: inout SeededGenerator, depth: Int) -> JSONValue {
    switch Int.random(in: 0...(depth < 4 ? 6 : 4), using: &generator) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &generator))
    case 2: return .integer(Int64.random(in: .min ... .max, using: &generator))
    case 3: return .number(Double(Int.random(in: -1000...1000, using: &generator)) + 0.25)
    case 4:
      let scalars = (0..<Int.random(in: 0...20, using: &generator)).compactMap { _ in
        Unicode.Scalar(UInt32.random(in: 0...0x1F7FF, using: &generator))
      }
      return .string(String(String.UnicodeScalarView(scalars)))
    case 5:
      return .array((0..<Int.random(in: 0...4, using: &generator)).map { _ in random(&generator, depth: depth + 1) })
    default:
      return .object(
        (0..<Int.random(in: 0...4, using: &generator)).map { .init("k\($0)", random(&generator, depth: depth + 1)) })
    }
  }

  @Test("Escapes of all kinds are understood")
  func escapes() throws {
    #expect(try parse(#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#) == .string("a\"\\/\u{8}\u{C}\n\r\té😀"))
  }

  @Test(
    "What is no JSON is refused",
    arguments: [
      "", "{", "[1,", "[1 2]", "{\"a\" 1}", "{a:1}", "tru", "\"a", "\"\\x\"", "\"\\ud83d\"", "1 2", "--1", "1e999", "]",
      "\"\u{1}\"", "nul", "{\"a\":1,}",
    ])
  func malformed(text: String) {
    #expect(throws: JSONError.self) { try parse(text) }
  }

  @Test("Bytes which are no text are refused, and so is nesting without end")
  func hostile() {
    #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
    #expect {
      try JSONValue(parsing: [UInt8](repeating: UInt8(ascii: "["), count: 100_000))
    } throws: { error in
      (error as? JSONError)?.reason == .tooDeep
    }
  }

  @Test("Random bytes never trap the parser", arguments: 1...5 as ClosedRange<UInt64>)
  func randomBytes(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let alphabet = Array("{}[]\",:\\u0123456789eE+-.truefalsn \n".utf8)
    var accepted = 0
    for _ in 0..<5000 {
      let bytes = (0..<Int.random(in: 0...12, using: &generator)).map { _ in alphabet.randomElement(using: &generator)!
      }
      if (try? JSONValue(parsing: bytes)) != nil { accepted += 1 }
    }
    #expect(accepted > 0)
  }
}
