/// Reading straight from packet blocks, for data that need not pass through memory of the driver's.
extension ReceiveWindow {
  /// Packet blocks handed out at a time.
  static let blocksMax = 64

  /// Hands in-order bytes, `byteCountMax` at most, to `drain`, which takes from their beginning on; opens the window
  /// by what it took.
  /// - Returns: what `drain` returned, the number of bytes it took, and how many it was offered; both 0 when there are
  ///   none.
  mutating func read(
    byteCountMax: Int, pool: inout PacketPool, into drain: (UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int
  ) -> (taken: Int, offered: Int) {
    var places: [UnsafeRawBufferPointer] = []
    var offered = 0
    var seq = consumed
    while seq < opened, places.count < Self.blocksMax, offered < byteCountMax {
      let slot = slots[seq]
      let skipped = seq == consumed ? readOffset : 0
      let count = min(Int(slot.count) - skipped, byteCountMax - offered)
      if count > 0, let block = slot.block {
        places.append(UnsafeRawBufferPointer(start: block + Int(slot.offset) + skipped, count: count))
        offered += count
      }
      seq += 1
    }
    let taken = places.isEmpty ? 0 : places.withUnsafeBufferPointer(drain)
    precondition((0...offered).contains(taken))
    consume(taken, pool: &pool)
    return (taken, offered)
  }

  /// The reader is done with so many bytes, and with empty packets behind them.
  private mutating func consume(_ byteCount: Int, pool: inout PacketPool) {
    var rest = byteCount
    while consumed < opened {
      let count = min(Int(slots[consumed].count) - readOffset, rest)
      readOffset += count
      rest -= count
      guard readOffset == Int(slots[consumed].count) else { return }
      releaseFirst(pool: &pool)
    }
  }
}
