/// Memory blocks for packet bodies, used again and again. A block is owned by whoever took it, until given back.
struct PacketPool: ~Copyable {
  /// Holds the body of a packet of an Ethernet frame with room for a security trailer.
  static let blockByteCount = 1536

  private var free: [UnsafeMutableRawPointer] = []
  /// Blocks taken and not given back.
  private(set) var blocksInUse = 0
  /// Idle blocks kept for the next packets.
  var blocksFree: Int { free.count }
  /// Idle blocks kept; more go back to the allocator.
  private let idleBlocksMax: Int

  /// - Parameter idleBlocksMax: 4096 blocks are 6 MiB.
  init(idleBlocksMax: Int = 4096) {
    self.idleBlocksMax = idleBlocksMax
  }

  deinit {
    for block in free { block.deallocate() }
  }

  /// A block of at least `byteCount` bytes, and its true size.
  @inline(__always)
  mutating func take(byteCount: Int = blockByteCount) -> (block: UnsafeMutableRawPointer, capacity: Int) {
    blocksInUse += 1
    if byteCount <= Self.blockByteCount {
      if let block = free.popLast() { return (block, Self.blockByteCount) }
      return (.allocate(byteCount: Self.blockByteCount, alignment: 16), Self.blockByteCount)
    }
    return (.allocate(byteCount: byteCount, alignment: 16), byteCount)
  }

  @inline(__always)
  mutating func give(_ block: UnsafeMutableRawPointer, capacity: Int) {
    blocksInUse -= 1
    if capacity == Self.blockByteCount, free.count < idleBlocksMax {
      free.append(block)
    } else {
      block.deallocate()
    }
  }
}
