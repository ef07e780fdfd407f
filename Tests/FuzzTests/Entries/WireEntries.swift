@testable import RxCore

/// A header that parses is written back as the same bytes.
func fuzzHeader(_ input: UnsafeRawBufferPointer) {
  guard let header = RxHeader(input) else {
    precondition(input.count < RxHeader.byteCount)
    return
  }
  withUnsafeTemporaryAllocation(byteCount: RxHeader.byteCount, alignment: 4) { copy in
    header.write(to: copy.baseAddress!)
    precondition(copy.elementsEqual(input.prefix(RxHeader.byteCount)))
  }
  _ = (header.channel, header.connectionID, header.isFromClient, PacketType(rawValue: header.type))
}

/// An ack never describes more packets than it has bytes for.
func fuzzAck(_ input: UnsafeRawBufferPointer) {
  guard let ack = ReceivedAck(input) else {
    precondition(input.count < ReceivedAck.fixedByteCount)
    return
  }
  precondition(ack.softAcks.count <= min(255, input.count - ReceivedAck.fixedByteCount))
  var sum = 0
  for byte in ack.softAcks { sum &+= Int(byte) }
  if let trailer = ack.trailer { sum &+= Int(trailer.maxMTU) }
  if ack.trailer?.packetsPerDatagram != nil {
    precondition(input.count >= ReceivedAck.fixedByteCount + AckTrailer.byteCount)
  }
}

/// A jumbogram's packets lie within it, do not overlap, and count on.
func fuzzJumbo(_ input: UnsafeRawBufferPointer) {
  guard let header = RxHeader(input) else { return }
  var jumbo = JumboDatagram(header: header, body: input.dropping(RxHeader.byteCount))
  var end = input.baseAddress! + RxHeader.byteCount
  var count = 0
  while let (part, body) = jumbo.next() {
    precondition(part.seq == header.seq + count && part.serial == header.serial + count)
    precondition(part.isFromClient == header.isFromClient)
    if let start = body.baseAddress, body.count > 0 {
      precondition(start >= end && start + body.count <= input.baseAddress! + input.count)
      end = start + body.count
    }
    count += 1
  }
  precondition(count <= 1 + input.count / JumboDatagram.payloadByteCount)
}
