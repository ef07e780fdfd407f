internal import Synchronization

/// Who knows which bytes of a cache file are worth keeping.
package protocol CacheFileOwner: AnyObject, Sendable {
  /// Gives up about `bytes` bytes which the server has too, or the whole file when nobody uses it. Called with no
  /// lock held, from whoever found the cache too full.
  func cull(_ bytes: UInt64)
}

/// The bytes of one vnode: a sparse file of the cache directory, or memory while it is small.
///
/// It knows positions, not meanings: which ranges are valid, dirty or zero is its owner's business, and so is that
/// no transfer into a range overlaps `punch`, `truncate` or `removeStorage` of it. Every method may be called
/// from any thread; system calls on data run outside the lock. Owners hold no lock of their own while writing:
/// a write may have to make room, which asks other owners.
package final class CacheFile: Sendable {
  private enum Backing {
    case none
    case memory
    case disk
  }

  private struct State {
    var backing = Backing.none
    var memory: [UInt8] = []
    var descriptor: CacheDescriptor?
    /// What this file adds to the cache's total of disk bytes: measured blocks and what was written since.
    var accounted: Int64 = 0
    /// The part of `accounted` which is only an upper bound.
    var unmeasured: Int64 = 0
    weak var owner: (any CacheFileOwner)?
    /// Counts check-outs: an owner of the past must not take away the file of its successor.
    var ownership: UInt64 = 0
    var record: CacheRecord?
    /// Is in the cache's list of open descriptors.
    var isListed = false
  }

  package let key: CacheKey
  private unowned let cache: DiskCache
  private let state = Mutex(State())
  /// Marks the entry of the cache's `RecencyQueue` which counts.
  let stamp = Atomic<UInt64>(0)

  /// What a transfer has changed that the cache must know of, after the lock is released.
  private struct News {
    var hasMemory = false
    var hasDisk = false
    var hasDescriptor = false
  }

  /// Blocks are measured again after this many bytes were written.
  private static let measureInterval: Int64 = 1 << 20
  /// What an entry costs in memory beside its data (an estimate; it keeps the count of tiny files bounded).
  static let overhead = 256

  init(key: CacheKey, cache: DiskCache) {
    self.key = key
    self.cache = cache
  }

  // MARK: Data

  /// Fills `buffer` from `offset`; what was never written reads as zeros.
  package func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(CacheError) {
    var news = News()
    let (descriptor, copied) = try state.withLock { state throws(CacheError) -> (CacheDescriptor?, Int) in
      switch state.backing {
      case .none: return (nil, 0)
      case .memory: return (nil, Self.copy(state.memory, from: offset, into: buffer))
      case .disk: return (try openDescriptor(&state, &news), 0)
      }
    }
    tell(news)
    cache.used(self)
    var done = copied
    if let descriptor { done = try descriptor.read(at: offset, into: buffer) }
    if done < buffer.count {
      UnsafeMutableRawBufferPointer(rebasing: buffer[done...]).initializeMemory(as: UInt8.self, repeating: 0)
    }
  }

  /// Writes all of `bytes` at `offset`.
  package func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(CacheError) {
    do {
      try writeOnce(at: offset, bytes)
    } catch .system(errno: DiskCache.noSpace, _) {
      // The disk is fuller than our limit expects: give back what we can, once.
      guard cache.free(max(UInt64(bytes.count), DiskCache.emergency)) else {
        throw .system(errno: DiskCache.noSpace, operation: "write")
      }
      try writeOnce(at: offset, bytes)
    }
    cache.relieve()
  }

  private func writeOnce(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(CacheError) {
    var news = News()
    let descriptor = try state.withLock { state throws(CacheError) -> CacheDescriptor? in
      if state.backing != .disk {
        if offset + UInt64(bytes.count) <= UInt64(cache.memoryFileMax) {
          writeMemory(&state, at: Int(offset), bytes, &news)
          return nil
        }
        try spill(&state, &news)
      }
      return try openDescriptor(&state, &news)
    }
    tell(news)
    guard let descriptor else { return }
    try descriptor.write(at: offset, bytes)
    state.withLock { state in
      account(&state, by: Int64(bytes.count))
      state.unmeasured += Int64(bytes.count)
      if state.unmeasured >= Self.measureInterval { measure(&state, descriptor) }
    }
  }

  /// Frees a range, which then reads as zeros. Errors of the system leave it as it is.
  package func punch(_ range: Range<UInt64>) {
    var news = News()
    let descriptor = state.withLock { state -> CacheDescriptor? in
      switch state.backing {
      case .none: return nil
      case .memory:
        let end = min(range.upperBound, UInt64(state.memory.count))
        if range.lowerBound < end {
          for index in Int(range.lowerBound)..<Int(end) { state.memory[index] = 0 }
        }
        return nil
      case .disk: return try? openDescriptor(&state, &news)
      }
    }
    tell(news)
    guard let descriptor else { return }
    try? descriptor.punch(range)
    state.withLock { measure(&$0, descriptor) }
  }

  /// Cuts the file to `size` bytes; never makes it longer.
  package func truncate(to size: UInt64) {
    var news = News()
    let descriptor = state.withLock { state -> CacheDescriptor? in
      switch state.backing {
      case .none: return nil
      case .memory:
        if size < UInt64(state.memory.count) {
          cache.addMemory(Int64(size) - Int64(state.memory.count))
          state.memory.removeLast(state.memory.count - Int(size))
        }
        return nil
      case .disk: return try? openDescriptor(&state, &news)
      }
    }
    tell(news)
    guard let descriptor else { return }
    try? descriptor.truncate(to: size)
    state.withLock { measure(&$0, descriptor) }
  }

  /// Drops all data. The file can be written anew afterwards.
  package func removeStorage() {
    state.withLock { removeStorage(&$0) }
  }

  // MARK: Owners

  /// The owner's last word: keeps the data with what is known of it, for the next owner; `record` nil drops it.
  /// - Parameter ownership: what `DiskCache.checkOut` gave; a stale one changes nothing.
  package func giveBack(_ record: CacheRecord?, ownership: UInt64) {
    let isEmpty = state.withLock { state in
      guard state.ownership == ownership else { return false }
      state.owner = nil
      // The cache may have dropped the data meanwhile.
      state.record = state.backing == .none ? nil : record
      if record == nil { removeStorage(&state) }
      return state.backing == .none
    }
    if isEmpty { cache.forget(self, ownership: ownership) }
  }

  func isOwned(by ownership: UInt64) -> Bool {
    state.withLock { $0.ownership == ownership }
  }

  func take(by owner: any CacheFileOwner) -> (ownership: UInt64, record: CacheRecord?) {
    state.withLock { state in
      state.owner = owner
      state.ownership += 1
      defer { state.record = nil }
      if state.record == nil { removeStorage(&state) }
      return (state.ownership, state.record)
    }
  }

  // MARK: For the cache's sweeps

  /// Asks the owner to give up `bytes`; a file without one is dropped whole.
  func cull(_ bytes: UInt64) {
    let owner = state.withLock { $0.owner }
    if let owner {
      owner.cull(bytes)
    } else {
      let ownership = state.withLock { $0.ownership }
      giveBack(nil, ownership: ownership)
    }
  }

  /// Moves data from memory to the disk.
  func spill() throws(CacheError) {
    var news = News()
    try state.withLock { state throws(CacheError) in
      if state.backing == .memory { try spill(&state, &news) }
    }
    tell(news)
  }

  /// Called when the file was taken out of the list of descriptors.
  func closeDescriptor() {
    // The reference is released outside of the lock: close() may take its time.
    let descriptor = state.withLock { state in
      defer { state.descriptor = nil }
      state.isListed = false
      return state.descriptor
    }
    _ = descriptor
  }

  var isInMemory: Bool { state.withLock { $0.backing == .memory } }
  var isOnDisk: Bool { state.withLock { $0.backing == .disk } }

  // MARK: Under the lock

  private func tell(_ news: News) {
    if news.hasMemory { cache.entersMemory(self) }
    if news.hasDisk { cache.entersDisk(self) }
    if news.hasDescriptor { cache.opened(self) }
  }

  private func openDescriptor(_ state: inout State, _ news: inout News) throws(CacheError) -> CacheDescriptor {
    if let descriptor = state.descriptor { return descriptor }
    // A file that somebody has removed from the disk must not come back empty: its data would read as zeros.
    let isThere = state.backing == .disk
    let descriptor = isThere ? try cache.directory.open(key) : try cache.directory.create(key)
    state.descriptor = descriptor
    news.hasDescriptor = !state.isListed
    state.isListed = true
    return descriptor
  }

  private static func copy(
    _ memory: [UInt8], from offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) -> Int {
    guard offset < UInt64(memory.count) else { return 0 }
    let count = min(buffer.count, memory.count - Int(offset))
    memory.withUnsafeBytes { source in
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[Int(offset)..<Int(offset) + count]))
    }
    return count
  }

  private func writeMemory(
    _ state: inout State, at offset: Int, _ bytes: UnsafeRawBufferPointer, _ news: inout News
  ) {
    if state.backing == .none {
      state.backing = .memory
      cache.addMemory(Int64(Self.overhead))
      news.hasMemory = true
    }
    let end = offset + bytes.count
    if end > state.memory.count {
      cache.addMemory(Int64(end - state.memory.count))
      if offset < state.memory.count { state.memory.removeLast(state.memory.count - offset) }
      state.memory.append(contentsOf: repeatElement(0, count: offset - state.memory.count))
      state.memory.append(contentsOf: bytes)
    } else {
      state.memory.withUnsafeMutableBytes { target in
        UnsafeMutableRawBufferPointer(rebasing: target[offset..<end]).copyMemory(from: bytes)
      }
    }
  }

  /// Leaves the state as it was when the disk refuses.
  private func spill(_ state: inout State, _ news: inout News) throws(CacheError) {
    let descriptor = try openDescriptor(&state, &news)
    if state.backing == .memory {
      try state.memory.withUnsafeBufferPointer { bytes throws(CacheError) in
        try descriptor.write(at: 0, UnsafeRawBufferPointer(bytes))
      }
      releaseMemory(&state)
    }
    state.backing = .disk
    measure(&state, descriptor)
    news.hasDisk = true
  }

  private func releaseMemory(_ state: inout State) {
    cache.addMemory(-Int64(state.memory.count + Self.overhead))
    state.memory = []
  }

  private func removeStorage(_ state: inout State) {
    switch state.backing {
    case .none: break
    case .memory: releaseMemory(&state)
    case .disk: cache.directory.remove(key)
    }
    state.backing = .none
    state.descriptor = nil
    account(&state, by: -state.accounted)
    state.unmeasured = 0
  }

  private func account(_ state: inout State, by change: Int64) {
    state.accounted += change
    cache.addDisk(change)
  }

  private func measure(_ state: inout State, _ descriptor: CacheDescriptor) {
    guard state.backing == .disk, state.descriptor === descriptor, let bytes = descriptor.allocatedBytes() else {
      return
    }
    account(&state, by: Int64(bytes) - state.accounted)
    state.unmeasured = 0
  }
}
