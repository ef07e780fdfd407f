import DequeModule

/// Small datagrams made ahead of their sending (aborts, final acks, challenges ...), first in, first out.
///
/// Bounded: at the bound new ones are dropped, as the network might have done.
struct DatagramQueue {
  private struct Entry {
    var destination: RxAddress
    var offset: Int
    var count: Int
  }

  private var entries: Deque<Entry> = []
  private var bytes: [UInt8] = []
  private let byteCountMax: Int

  init(byteCountMax: Int = 1 << 20) {
    self.byteCountMax = byteCountMax
  }

  var isEmpty: Bool { entries.isEmpty }
  var count: Int { entries.count }

  /// Adds a datagram of `count` bytes which `write` fills in.
  mutating func append(to destination: RxAddress, count: Int, _ write: (UnsafeMutableRawPointer) -> Void) {
    guard bytes.count + count <= byteCountMax else { return }
    let offset = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: count))
    bytes.withUnsafeMutableBytes { write($0.baseAddress! + offset) }
    entries.append(Entry(destination: destination, offset: offset, count: count))
  }

  /// Moves the first datagram into `buffer`.
  mutating func next(into buffer: UnsafeMutableRawBufferPointer) -> RxTransmit? {
    guard let entry = entries.popFirst() else { return nil }
    bytes.withUnsafeBytes {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[entry.offset..<(entry.offset + entry.count)]))
    }
    if entries.isEmpty { bytes.removeAll(keepingCapacity: true) }
    return RxTransmit(destination: entry.destination, byteCount: entry.count, segmentSize: entry.count)
  }
}
