import AFSBase
import Testing

@testable import RxCore

@Suite struct HeaderTests {
  @Test("A header survives its 28 bytes", arguments: UInt64(1)...20)
  func roundTrip(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var bytes = (0..<28).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let original = bytes
    let header = try #require(bytes.withUnsafeBytes { RxHeader($0) })
    bytes = [UInt8](repeating: 0, count: 28)
    bytes.withUnsafeMutableBytes { header.write(to: $0.baseAddress!) }
    #expect(bytes == original)
  }

  @Test("The fields lie where OpenAFS has them")
  func layout() throws {
    let bytes: [UInt8] = [
      0x80, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 5, 1, 5, 0, 2, 0xBE, 0xEF, 0, 52,
    ]
    let header = try #require(bytes.withUnsafeBytes { RxHeader($0) })
    #expect(header.epoch == 0x8000_0001)
    #expect(header.connectionID == 4)
    #expect(header.channel == 3)
    #expect(header.callNumber == CallNumber(9))
    #expect(header.seq == Seq(2))
    #expect(header.serial == Serial(5))
    #expect(header.type == PacketType.data.rawValue)
    #expect(header.flags == [.clientInitiated, .lastPacket])
    #expect(header.securityIndex == 2)
    #expect(header.checksum == 0xBEEF)
    #expect(header.serviceID == 52)
  }

  @Test("Fewer than 28 bytes are no header", arguments: [0, 1, 27])
  func short(count: Int) {
    #expect([UInt8](repeating: 1, count: count).withUnsafeBytes { RxHeader($0) } == nil)
  }

  @Test("Sequence numbers compare across the wrap")
  func wrap() {
    #expect(Seq(0xFFFF_FFFF) < Seq(1))
    #expect(Seq(1) > Seq(0xFFFF_FFFF))
    #expect(Seq(1) - Seq(0xFFFF_FFFF) == 2)
    #expect(Seq(0xFFFF_FFFF) + 3 == Seq(2))
    #expect(Seq(5) < Seq(6))
    #expect(!(Seq(6) < Seq(6)))
  }
}
