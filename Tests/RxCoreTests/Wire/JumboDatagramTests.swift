import AFSBase
import Testing

@testable import RxCore

@Suite struct JumboDatagramTests {
  static func header(flags: PacketFlags) -> RxHeader {
    RxHeader(
      epoch: 1, cid: 4, callNumber: CallNumber(1), seq: Seq(10), serial: Serial(50), type: .data, flags: flags,
      securityIndex: 0, checksum: 3, serviceID: 1)
  }

  static func split(_ flags: PacketFlags, _ body: [UInt8]) -> [(header: RxHeader, count: Int, first: UInt8?)] {
    body.withUnsafeBytes { bytes in
      var jumbo = JumboDatagram(header: header(flags: flags), body: bytes)
      var packets: [(header: RxHeader, count: Int, first: UInt8?)] = []
      while let (header, body) = jumbo.next() { packets.append((header, body.count, body.first)) }
      return packets
    }
  }

  static func part(_ byte: UInt8, next flags: PacketFlags, checksum: UInt8) -> [UInt8] {
    [UInt8](repeating: byte, count: 1412) + [flags.rawValue, 0, 0, checksum]
  }

  @Test("A datagram without the flag is one packet")
  func single() {
    let packets = Self.split([.lastPacket], [9, 9])
    #expect(packets.count == 1)
    #expect(packets[0].count == 2)
  }

  @Test("Three packets come out with their own seq, serial, flags and checksum")
  func three() {
    let body =
      Self.part(1, next: [.jumbo], checksum: 7) + Self.part(2, next: [.lastPacket, .requestAck], checksum: 8)
      + [3, 3, 3]
    let packets = Self.split([.jumbo, .clientInitiated], body)
    #expect(packets.map(\.count) == [1412, 1412, 3])
    #expect(packets.map(\.first) == [1, 2, 3])
    #expect(packets.map(\.header.seq) == [Seq(10), Seq(11), Seq(12)])
    #expect(packets.map(\.header.serial) == [Serial(50), Serial(51), Serial(52)])
    #expect(packets.map(\.header.checksum) == [3, 7, 8])
    #expect(packets[2].header.flags == [.lastPacket, .requestAck, .clientInitiated])
    #expect(packets[1].header.flags == [.jumbo, .clientInitiated])
  }

  @Test("A length that lies ends the datagram before the lie", arguments: [0, 1411, 1412, 1415])
  func lyingLength(count: Int) {
    #expect(Self.split([.jumbo], [UInt8](repeating: 0, count: count)).isEmpty)
    let second = Self.part(1, next: [.jumbo], checksum: 0) + [UInt8](repeating: 0, count: count)
    #expect(Self.split([.jumbo], second).count == 1)
  }
}
