/// Writing straight into packet blocks, for data that need not pass through memory of the driver's.
extension TransmitWindow {
  /// Packet blocks offered at a time: a batch of so many, 88 KiB, is what one call of the system fills.
  static let blocksMax = 64

  /// Offers memory of packets to come, in order, to `fill`, which writes from its beginning on.
  ///
  /// - Parameters:
  ///   - byteCountMax: what the stream still wants to send; no more is offered. At least 1.
  ///   - isLast: whether the stream ends with them; counts only when all are written.
  /// - Returns: what `fill` returned, the number of bytes it wrote, and how many it was offered; both 0 when the queue
  ///   is full.
  mutating func write(
    byteCountMax: Int, isLast: Bool, bodyByteCountMax: Int, seal: PacketSeal, pool: inout PacketPool,
    from fill: (UnsafeBufferPointer<UnsafeMutableRawBufferPointer>) -> Int
  ) -> (written: Int, offered: Int) {
    guard !isClosed else { return (0, 0) }
    let payloadMax = max(bodyByteCountMax - seal.overhead, 1)
    defer { sealPending(seal) }
    if tailCount >= payloadMax {
      guard queueSpace > 0 else { return (0, 0) }
      finishTail(isLast: false)
    }
    let places = offer(byteCountMax, payloadMax, bodyByteCountMax, seal, pool: &pool)
    let offered = places.reduce(0) { $0 + $1.count }
    let written = places.withUnsafeBufferPointer(fill)
    precondition((0...offered).contains(written))
    accept(written, places, seal, pool: &pool)
    if isLast, written == byteCountMax {
      finishTail(isLast: true)
      isClosed = true
    }
    return (written, offered)
  }

  /// The rest of the packet begun, and as many new blocks as the queue has room for.
  private mutating func offer(
    _ byteCountMax: Int, _ payloadMax: Int, _ bodyByteCountMax: Int, _ seal: PacketSeal, pool: inout PacketPool
  ) -> [UnsafeMutableRawBufferPointer] {
    var places: [UnsafeMutableRawBufferPointer] = []
    places.reserveCapacity(min(Self.blocksMax, byteCountMax / payloadMax + 2))
    let tail = tailBlock(byteCount: bodyByteCountMax, pool: &pool)
    var rest = byteCountMax
    let count = min(payloadMax - tailCount, rest)
    places.append(UnsafeMutableRawBufferPointer(start: tail + seal.headerByteCount + tailCount, count: count))
    rest -= count
    // All but the last block become packets, the first of them the one begun.
    let blocks = min(queueSpace, Self.blocksMax - 1)
    while rest > 0, places.count <= blocks {
      let block = pool.take(byteCount: min(bodyByteCountMax, PacketPool.blockByteCount)).block
      let count = min(payloadMax, rest)
      places.append(UnsafeMutableRawBufferPointer(start: block + seal.headerByteCount, count: count))
      rest -= count
    }
    return places
  }

  private mutating func accept(
    _ written: Int, _ places: [UnsafeMutableRawBufferPointer], _ seal: PacketSeal, pool: inout PacketPool
  ) {
    var rest = written
    for (index, place) in places.enumerated() {
      let count = min(rest, place.count)
      if index == 0 {
        tailCount += count
      } else {
        let block = place.baseAddress! - seal.headerByteCount
        if count > 0 {
          finishTail(isLast: false)
          (tail, tailCount) = (block, count)
        } else {
          pool.give(block, capacity: PacketPool.blockByteCount)
        }
      }
      rest -= count
    }
  }
}
