import Testing

@testable import rxperf

@Suite struct PerfPatternTests {
  @Test("The pattern is what it is compared with, at any place", arguments: [0, 1, 1416, 524_287, 524_288, 3_000_001])
  func matches(offset: Int) {
    let piece = PerfPattern.piece(at: offset, count: 5000)
    #expect(PerfPattern.mismatch(piece, at: offset, allowsZeros: false) == nil)
    #expect(PerfPattern.mismatch(piece, at: offset + 1416, allowsZeros: false) != nil)
  }

  @Test("A wrong byte is found where it is")
  func wrong() {
    var data = Array(PerfPattern.piece(at: 10, count: 9000))
    data[4321] ^= 1
    data.withUnsafeBytes { #expect(PerfPattern.mismatch($0, at: 10, allowsZeros: false) == 4331) }
  }

  @Test("Zeros count only where they are allowed")
  func zeros() {
    let data = Array(PerfPattern.piece(at: 0, count: 100)) + Array(repeating: 0, count: 100)
    data.withUnsafeBytes { bytes in
      #expect(PerfPattern.mismatch(bytes, at: 0, allowsZeros: true) == nil)
      #expect(PerfPattern.mismatch(bytes, at: 0, allowsZeros: false).map { 100..<102 ~= $0 } == true)
    }
  }
}
