import RxCore
import Testing

@testable import RxSecurity

@Suite struct NativeTicketReaderTests {
  @Test("The first byte's lowest bit is the order of bytes in numbers", arguments: [UInt8(0), 1, 0xFE, 0xFF])
  func byteOrder(flags: UInt8) {
    var reader = NativeTicketReader([flags, 1, 2, 3, 4])
    let (hasOrder, number) = (reader.takeByteOrder(), reader.number())
    #expect(hasOrder)
    #expect(number == (flags & 1 == 1 ? 0x0403_0201 : 0x0102_0304))
    #expect(reader.taken == 5)
    let end = reader.number()
    #expect(end == nil)
  }

  @Test("Texts end with a zero within 64 bytes; what does not is nil and is not taken")
  func texts() {
    var reader = NativeTicketReader(Array("ab".utf8) + [0, 0] + [UInt8](repeating: 65, count: 64) + [0])
    let texts = [1, 1, 0, 0].map { reader.string(atLeast: $0) }
    #expect(texts == ["ab", nil, "", nil])
    #expect(reader.taken == 4)
    var empty = NativeTicketReader([])
    let (hasOrder, text, byte) = (empty.takeByteOrder(), empty.string(atLeast: 0), empty.take(1))
    #expect(!hasOrder)
    #expect(text == nil)
    #expect(byte == nil)
  }

  @Test("A principal is three texts, of which the first is not empty")
  func principals() {
    var reader = NativeTicketReader(Array("afs".utf8) + [0] + Array("x".utf8) + [0, 0])
    let principal = reader.principal()
    #expect(principal == RxPrincipal(name: "afs", instance: "x", cell: ""))
    var nameless = NativeTicketReader([0] + Array("x".utf8) + [0, 0])
    let none = nameless.principal()
    #expect(none == nil)
  }
}
