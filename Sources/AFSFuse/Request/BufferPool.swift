import Glibc
import Synchronization

/// Memory of one request's size. Belongs to whoever holds it; comes from a `BufferPool` and goes back there.
struct PooledBuffer: @unchecked Sendable {
  let bytes: UnsafeMutableRawBufferPointer
}

/// Page-aligned buffers of one size: allocating a megabyte per request would halve the throughput of reads
/// (measured), because malloc gives such sizes back to the system each time.
final class BufferPool: Sendable {
  /// Bytes in each buffer.
  let capacity: Int
  /// How many unused ones are kept; more are freed when they come back.
  private let keptMax: Int
  private let free = Mutex<[PooledBuffer]>([])

  init(capacity: Int, keptMax: Int) {
    self.capacity = capacity
    self.keptMax = keptMax
  }

  deinit {
    free.withLock { free in
      for buffer in free { Glibc.free(buffer.bytes.baseAddress) }
    }
  }

  func take() -> PooledBuffer {
    if let buffer = free.withLock({ $0.popLast() }) { return buffer }
    var memory: UnsafeMutableRawPointer?
    let code = posix_memalign(&memory, 4096, capacity)
    precondition(code == 0, "no memory for a request's buffer")
    return PooledBuffer(bytes: UnsafeMutableRawBufferPointer(start: memory, count: capacity))
  }

  func give(_ buffer: PooledBuffer) {
    let kept = free.withLock { free in
      guard free.count < keptMax else { return false }
      free.append(buffer)
      return true
    }
    if !kept { Glibc.free(buffer.bytes.baseAddress) }
  }
}
