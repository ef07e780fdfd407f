import Glibc
import Synchronization

/// Spare memory for requests, allocated by libfuse in the size of its session: came back from tasks.
final class RequestMemoryPool: Sendable {
  private let keptMax: Int
  private let free = Mutex<[RequestMemory]>([])

  init(keptMax: Int) {
    self.keptMax = keptMax
  }

  deinit {
    free.withLock { free in
      for memory in free { Glibc.free(memory.address) }
    }
  }

  /// nil lets libfuse allocate.
  func take() -> UnsafeMutableRawPointer? {
    free.withLock { $0.popLast()?.address }
  }

  func give(_ memory: RequestMemory) {
    let kept = free.withLock { free in
      guard free.count < keptMax else { return false }
      free.append(memory)
      return true
    }
    if !kept { Glibc.free(memory.address) }
  }
}
