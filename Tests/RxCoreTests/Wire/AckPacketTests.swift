import AFSBase
import Testing

@testable import RxCore

@Suite struct AckPacketTests {
  static let trailer = AckTrailer(maxMTU: 5692, interfaceMTU: 1444, receiveWindow: 32, packetsPerDatagram: 4)

  static func body(soft: [UInt8], trailerByteCount: Int = 16) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xEE, count: OutgoingAck.byteCount(softAckCount: soft.count))
    bytes.withUnsafeMutableBytes { buffer in
      for (offset, ack) in soft.enumerated() { buffer[ReceivedAck.fixedByteCount + offset] = ack }
      OutgoingAck(
        firstPacket: Seq(7), previousPacket: Seq(12), serial: Serial(99), reason: .outOfSequence, trailer: trailer
      ).write(to: buffer.baseAddress!, softAckCount: soft.count)
    }
    return Array(bytes.dropLast(16 - trailerByteCount))
  }

  @Test("What is written is read", arguments: [0, 1, 5, 255])
  func roundTrip(count: Int) throws {
    let soft = (0..<count).map { UInt8($0 % 3 == 0 ? 1 : 0) }
    try Self.body(soft: soft).withUnsafeBytes { bytes in
      let ack = try #require(ReceivedAck(bytes))
      #expect(ack.firstPacket == Seq(7))
      #expect(ack.previousPacket == Seq(12))
      #expect(ack.serial == Serial(99))
      #expect(ack.reason == AckReason.outOfSequence.rawValue)
      #expect(Array(ack.softAcks) == soft)
      #expect(ack.trailer == Self.trailer)
    }
  }

  @Test("Three zero bytes stand between the soft acks and the trailer")
  func padding() {
    let bytes = Self.body(soft: [1, 0])
    #expect(Array(bytes[18..<27]) == [1, 0, 0, 0, 0, 0, 0, 0x16, 0x3C])
  }

  @Test("Older peers' shorter trailers are read as far as they go")
  func shortTrailers() throws {
    try Self.body(soft: [1], trailerByteCount: 12).withUnsafeBytes { bytes in
      let trailer = try #require(ReceivedAck(bytes)?.trailer)
      #expect(trailer.receiveWindow == 32)
      #expect(trailer.packetsPerDatagram == nil)
    }
    try Self.body(soft: [1], trailerByteCount: 8).withUnsafeBytes { bytes in
      let trailer = try #require(ReceivedAck(bytes)?.trailer)
      #expect(trailer.interfaceMTU == 1444)
      #expect(trailer.receiveWindow == nil)
    }
    try Self.body(soft: [1], trailerByteCount: 0).withUnsafeBytes { bytes in
      let ack = try #require(ReceivedAck(bytes))
      #expect(ack.trailer == nil)
    }
  }

  @Test("A count of soft acks beyond the body is cut down")
  func lyingCount() throws {
    var bytes = Array(Self.body(soft: [1, 1, 1]).prefix(20))
    bytes[17] = 200
    try bytes.withUnsafeBytes { bytes in
      let ack = try #require(ReceivedAck(bytes))
      #expect(ack.softAcks.count == 2)
      #expect(ack.trailer == nil)
    }
  }

  @Test("A body shorter than its fixed part is no ack", arguments: [0, 4, 17])
  func short(count: Int) {
    [UInt8](repeating: 1, count: count).withUnsafeBytes { #expect(ReceivedAck($0) == nil) }
  }
}
