import AFSBase
import AFSTypes

/// Several DATA packets of a call in one datagram, for peers that advertise it: a full header for the first, four bytes
/// for each of the others (OpenAFS src/rx/rx_packet.c, rxi_SendPacketList).
///
/// Only new packets go together. One that is sent again goes alone, so that a path which loses long datagrams, or their
/// fragments, costs time and no more.
extension RxEndpoint {
  /// Writes as many packets as may go together.
  /// - Returns: the datagram's size; 0 if there are not two of them, and nothing has been sent then.
  mutating func writeJumbogram(_ call: Int, into buffer: UnsafeMutableRawBufferPointer, now: MonotonicTime) -> Int {
    guard let first = calls[call].nextToTransmit, canContinue(call, after: first, into: buffer.count) else { return 0 }
    writeData(call, first, to: buffer.baseAddress!, now: now)
    calls[call].transmit.slots[first].isInJumbogram = true
    var flags = RxHeader.flagsOffset
    var end = RxHeader.byteCount + JumboDatagram.payloadByteCount
    var count = 1
    var last = first
    while count < peers[calls[call].peer].jumboMax, let seq = calls[call].nextToTransmit, seq == last + 1,
      isWhole(call, last), fits(call, seq, buffer.count - end)
    {
      buffer[flags] |= PacketFlags.jumbo.rawValue
      flags = end
      end += writePart(call, seq, to: buffer.baseAddress! + end, now: now)
      last = seq
      count += 1
    }
    return end
  }

  /// Whether another packet may follow `seq` in its datagram.
  private func canContinue(_ call: Int, after seq: Seq, into byteCount: Int) -> Bool {
    let transmit = calls[call].transmit.slots[seq]
    guard transmit.state == .queued, isWhole(call, seq), calls[call].timeoutsInRow == 0,
      calls[call].mayTransmit(seq, and: seq + 1)
    else { return false }
    return fits(call, seq + 1, byteCount - RxHeader.byteCount - JumboDatagram.payloadByteCount)
  }

  /// Nothing but whole packets may be followed by another.
  private func isWhole(_ call: Int, _ seq: Seq) -> Bool {
    calls[call].transmit.slots[seq].count == JumboDatagram.payloadByteCount
  }

  private func fits(_ call: Int, _ seq: Seq, _ byteCount: Int) -> Bool {
    let size = Int(calls[call].transmit.slots[seq].count)
    return size <= JumboDatagram.payloadByteCount && JumboDatagram.headerByteCount + size <= byteCount
  }

  /// Writes the short header and the body of a packet behind another.
  private mutating func writePart(
    _ call: Int, _ seq: Seq, to bytes: UnsafeMutableRawPointer, now: MonotonicTime
  ) -> Int {
    let header = dataHeader(call, seq, now: now)
    calls[call].transmit.slots[seq].isInJumbogram = true
    bytes.store(header.flags.rawValue, at: 0)
    bytes.store(UInt8(0), at: 1)
    bytes.store(header.checksum, at: 2)
    let slot = calls[call].transmit.slots[seq]
    if slot.count > 0, let body = slot.block {
      (bytes + JumboDatagram.headerByteCount).copyMemory(from: body, byteCount: Int(slot.count))
    }
    return JumboDatagram.headerByteCount + Int(slot.count)
  }
}
