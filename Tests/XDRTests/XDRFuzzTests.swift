import AFSBase
import Testing
import XDR

/// Random bytes and random values, reproducible by their seed.
@Suite struct XDRFuzzTests {
  /// One of everything that a decoder can be asked for.
  struct Everything: XDRCodable {
    static let xdrSizeMin = 4 * 6 + 16 + 8 + 16 + 8 + 12
    static let xdrSizeMax = Int.max

    var a: UInt32
    var b: Int32
    var c: UInt64
    var d: Int64
    var e: UInt16
    var f: Int16
    var g: UInt8
    var h: Bool
    var fixed: [UInt8]
    var opaque: [UInt8]
    var text: [UInt8]
    var name: [UInt8]
    var pair: [Int64]
    var words: [UInt32]

    init(using generator: inout SeededGenerator) {
      func bytes(_ max: Int, from low: UInt8 = 0) -> [UInt8] {
        (0..<Int.random(in: 0...max, using: &generator)).map { _ in .random(in: low...255, using: &generator) }
      }
      a = .random(in: .min ... .max, using: &generator)
      b = .random(in: .min ... .max, using: &generator)
      c = .random(in: .min ... .max, using: &generator)
      d = .random(in: .min ... .max, using: &generator)
      e = .random(in: .min ... .max, using: &generator)
      f = .random(in: .min ... .max, using: &generator)
      g = .random(in: .min ... .max, using: &generator)
      h = .random(using: &generator)
      fixed = (0..<5).map { _ in .random(in: 0...255, using: &generator) }
      opaque = bytes(40)
      text = bytes(17)
      name = bytes(3, from: 1)
      pair = (0..<2).map { _ in .random(in: .min ... .max, using: &generator) }
      words = (0..<Int.random(in: 0...9, using: &generator)).map { _ in .random(in: .min ... .max, using: &generator) }
    }

    init(from decoder: inout XDRDecoder) throws(XDRError) {
      a = try decoder.uint32("a")
      b = try decoder.int32("b")
      c = try decoder.uint64("c")
      d = try decoder.int64("d")
      e = try decoder.uint16("e")
      f = try decoder.int16("f")
      g = try decoder.char("g")
      h = try decoder.bool("h")
      fixed = try decoder.opaque("fixed", count: 5)
      opaque = try decoder.opaque("opaque", max: 40)
      text = try decoder.string("text", max: 17)
      name = try decoder.chars("name", count: 4)
      pair = try decoder.fixedArray("pair", count: 2)
      words = try decoder.array("words", max: 9)
    }

    func encode(to encoder: inout XDREncoder) throws(XDRError) {
      encoder.uint32(a)
      encoder.int32(b)
      encoder.uint64(c)
      encoder.int64(d)
      encoder.uint16(e)
      encoder.int16(f)
      encoder.char(g)
      encoder.bool(h)
      try encoder.opaque("fixed", fixed, count: 5)
      try encoder.opaque("opaque", opaque, max: 40)
      try encoder.string("text", text, max: 17)
      try encoder.chars("name", name, count: 4)
      try encoder.fixedArray("pair", pair, count: 2)
      try encoder.array("words", words, max: 9)
    }
  }

  @Test("What was encoded is decoded again; cut anywhere it is truncated", arguments: 0..<20 as Range<UInt64>)
  func roundTrip(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<20 {
      let value = Everything(using: &generator)
      let bytes = try value.encoded()
      #expect(try Everything(decoding: bytes) == value)
      for count in bytes.indices {
        let error = #expect(throws: XDRError.self) { try Everything(decoding: Array(bytes[..<count])) }
        guard let error, case .truncated(let missing) = error.reason else {
          Issue.record("cut at \(count): \(String(describing: error))")
          continue
        }
        // The promise which lets a reader fetch exactly what is missing.
        #expect(missing > 0 && count + missing <= bytes.count)
        #expect(error.offset <= count)
      }
    }
  }

  @Test("Random bytes decode or fail, within their bounds", arguments: 0..<20 as Range<UInt64>)
  func randomBytes(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      // Small words are frequent, so that lengths and booleans come through.
      let bytes: [UInt8] = (0..<Int.random(in: 0...200, using: &generator)).map { index in
        index % 4 < 3 && Int.random(in: 0..<8, using: &generator) > 0
          ? 0 : .random(in: 0...16, using: &generator)
      }
      var decoder = XDRDecoder(bytes)
      do {
        _ = try Everything(from: &decoder)
        #expect(decoder.offset <= bytes.count)
      } catch {
        #expect(error.offset <= bytes.count)
      }
    }
  }

  @Test("Damaged messages decode or fail, and what decodes encodes", arguments: 0..<20 as Range<UInt64>)
  func damaged(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      var bytes = try Everything(using: &generator).encoded()
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0...255, using: &generator)
      }
      // A name without its NUL is read, but never sent.
      if let value = try? Everything(decoding: bytes), value.name.count < 4 {
        #expect(try Everything(decoding: try value.encoded()) == value)
      }
    }
  }
}
