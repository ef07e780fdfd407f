import AFSTypes

/// A received packet that waits for its predecessors or for the reader.
struct ReceiveSlot: BitwiseCopyable {
  var block: UnsafeMutableRawPointer?
  var capacity = 0
  /// Where the payload lies in the block; the whole body until it has been opened.
  var offset: Int32 = 0
  var count: Int32 = 0
  var checksum: UInt16 = 0
  var isLast = false
}

/// What became of a received DATA packet.
enum ReceiveOutcome: Equatable {
  /// It was the next one expected.
  case inOrder
  /// It was kept; others before it are missing.
  case outOfOrder
  /// We had it already.
  case duplicate
  /// It lies beyond the window and was dropped.
  case exceedsWindow
  /// It contradicts the end of the stream and was dropped.
  case beyondEnd
}

/// The peer's byte stream of one call: packets received, put in order, checked, and handed to the reader.
///
/// ```
///   consumed <= opened <= expected <= top
///   reader      checked   first missing  one past the highest received
/// ```
struct ReceiveWindow: ~Copyable {
  private(set) var slots = PacketRing(empty: ReceiveSlot())
  /// The first packet which the reader has not taken in whole.
  private(set) var consumed = Seq.first
  /// The first packet that the security class has not checked.
  private(set) var opened = Seq.first
  private(set) var expected = Seq.first
  private(set) var top = Seq.first
  /// The last packet of the stream, once known.
  private(set) var last: Seq?
  private(set) var highest = Seq(0)
  /// Bytes of packet `consumed` that the reader has taken.
  var readOffset = 0
  /// Packets kept beyond `consumed`.
  private let window: Int
  /// What we go on offering to the peer when the reader is slow: stock peers use 32 packets at most (OpenAFS
  /// src/rx/rx_globals.h, rx_maxSendWindow).
  private let windowReserve: Int

  init(window: Int) {
    self.window = window
    windowReserve = min(32, window)
  }

  deinit {
    var seq = consumed
    while seq < top {
      slots[seq].block?.deallocate()
      seq += 1
    }
  }

  /// Packets are missing between those received.
  var hasGap: Bool { top > expected }
  /// The stream has come to its end, and nothing is missing.
  var isComplete: Bool { if let last { expected > last } else { false } }
  /// The reader has taken everything.
  var isAtEnd: Bool { if let last { consumed > last } else { false } }
  /// Something can be read, or the end has been reached.
  var isReadable: Bool { opened > consumed }

  mutating func insert(_ header: RxHeader, _ body: UnsafeRawBufferPointer, pool: inout PacketPool) -> ReceiveOutcome {
    let seq = header.seq
    if seq < expected { return .duplicate }
    if seq - consumed >= window { return .exceedsWindow }
    let isLast = header.flags.contains(.lastPacket)
    if let last {
      if seq > last || (isLast && seq != last) { return .beyondEnd }
    } else if isLast, seq + 1 < top {
      return .beyondEnd
    }
    slots.reserve(from: consumed, through: seq)
    guard slots[seq].block == nil else { return .duplicate }
    let (block, capacity) = pool.take(byteCount: body.count)
    if let source = body.baseAddress { block.copyMemory(from: source, byteCount: body.count) }
    slots[seq] = ReceiveSlot(
      block: block, capacity: capacity, offset: 0, count: Int32(body.count), checksum: header.checksum, isLast: isLast)
    if isLast { last = seq }
    if seq > highest { highest = seq }
    if seq >= top { top = seq + 1 }
    guard seq == expected else { return .outOfOrder }
    expected += 1
    while expected < top, slots[expected].block != nil { expected += 1 }
    return .inOrder
  }

  // MARK: Checking

  /// Without a security class there is nothing to check.
  mutating func openAll() { opened = expected }

  /// Lets the security class check the packets that are in order.
  mutating func open(
    with protection: any RxPacketProtection, callNumber: CallNumber, channel: Int, isFromClient: Bool
  ) throws(RxSecurityFailure) {
    while opened < expected {
      let slot = slots[opened]
      guard let block = slot.block else { return }
      let body = UnsafeMutableRawBufferPointer(start: block, count: Int(slot.count))
      let payload = try protection.open(
        body, checksum: slot.checksum,
        of: RxPacketIdentity(
          callNumber: callNumber.rawValue, channel: UInt8(channel), seq: opened.rawValue, isFromClient: isFromClient,
          isLast: slot.isLast))
      guard payload.lowerBound >= 0, payload.upperBound <= body.count else {
        throw RxSecurityFailure(code: .rxProtocolError, reason: "payload outside its packet")
      }
      slots[opened].offset = Int32(payload.lowerBound)
      slots[opened].count = Int32(payload.count)
      opened += 1
    }
  }

  // MARK: Reading

  /// Copies in-order bytes out.
  mutating func read(into buffer: UnsafeMutableRawBufferPointer, pool: inout PacketPool) -> Int {
    var copied = 0
    while consumed < opened {
      let slot = slots[consumed]
      let count = min(Int(slot.count) - readOffset, buffer.count - copied)
      if count > 0, let block = slot.block {
        (buffer.baseAddress! + copied).copyMemory(from: block + Int(slot.offset) + readOffset, byteCount: count)
        copied += count
        readOffset += count
      }
      guard readOffset == Int(slot.count) else { break }
      releaseFirst(pool: &pool)
    }
    return copied
  }

  mutating func releaseFirst(pool: inout PacketPool) {
    if let block = slots[consumed].block { pool.give(block, capacity: slots[consumed].capacity) }
    slots.clear(consumed)
    consumed += 1
    readOffset = 0
  }

  // MARK: What acks say

  /// Everything before it is acknowledged for good. Runs ahead of a slow reader, because what we hold we never drop,
  /// but leaves a stock peer's whole window open beyond it.
  var hardAckLimit: Seq {
    if isComplete { return expected }
    return min(expected, consumed + (window - windowReserve))
  }

  /// The first packet that we would refuse.
  var edge: Seq { consumed + window }

  /// Writes one byte per packet from `first` on; returns how many.
  func writeSoftAcks(from first: Seq, to bytes: UnsafeMutableRawPointer) -> Int {
    let count = min(max(top - first, 0), OutgoingAck.softAcksMax)
    for step in 0..<count {
      let seq = first + step
      let isHere = seq < expected || slots[seq].block != nil
      bytes.store(isHere ? UInt8(1) : UInt8(0), at: step)
    }
    return count
  }

  /// Gives all memory back.
  mutating func drain(pool: inout PacketPool) {
    while consumed < top { releaseFirst(pool: &pool) }
    opened = max(opened, consumed)
    expected = max(expected, consumed)
  }
}
