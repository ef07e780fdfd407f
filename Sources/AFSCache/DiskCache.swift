internal import DequeModule
internal import Synchronization

/// The second cache level: the bytes of vnodes on a local disk, small files in memory first.
///
/// One sparse file a vnode (Docs/decisions says why). The index lives in memory, and lasts as long as the process.
/// Bounds, and what happens at each: disk blocks (least recently used clean data is culled, dirty data never is, so
/// dirty data alone can exceed the bound: writers are held back by their files' own bound), memory (small files
/// move to the disk), open descriptors (the least recently used is closed).
///
/// Lock order: an owner's lock, then the lock in here, then a `CacheFile`'s. Culling starts with none held.
package final class DiskCache: Sendable {
  package struct Limits: Hashable, Sendable {
    /// Disk blocks of the cache files, bytes.
    package var sizeMax: UInt64
    /// Data of small files in memory, bytes.
    package var memoryMax: UInt64
    /// A file whose bytes lie below this position stays in memory at first.
    package var memoryFileMax: Int
    package var descriptorsMax: Int

    package init(
      sizeMax: UInt64, memoryMax: UInt64 = 32 << 20, memoryFileMax: Int = 64 << 10, descriptorsMax: Int = 256
    ) {
      self.sizeMax = sizeMax
      self.memoryMax = memoryMax
      self.memoryFileMax = memoryFileMax
      self.descriptorsMax = descriptorsMax
    }
  }

  /// What the cache holds now.
  package struct Usage: Hashable, Sendable {
    package var files: Int
    package var diskBytes: UInt64
    package var memoryBytes: UInt64
    package var sizeMax: UInt64
  }

  private struct State {
    var index: [CacheKey: CacheFile] = [:]
    var memory = RecencyQueue()
    var disk = RecencyQueue()
    /// Files with an open descriptor, longest open first.
    var descriptors: Deque<CacheFile> = []
  }

  let directory: CacheDirectory
  package let limits: Limits
  private let state = Mutex(State())
  private let diskBytes = Atomic<Int64>(0)
  private let memoryBytes = Atomic<Int64>(0)
  /// Counts entries of the recency queues.
  private let clock = Atomic<UInt64>(0)
  /// A use counts when `clock` has gone on by so much since the file's last one.
  private let useDistance = Atomic<UInt64>(1)
  private let isSweeping = Atomic<Bool>(false)
  /// After a sweep that freed nothing: no other one below this many disk bytes.
  private let sweepAgainAbove = Atomic<Int64>(0)

  /// ENOSPC; errno constants are not imported where only this one is needed.
  static let noSpace: Int32 = 28
  /// However small its disk is, bytes.
  private static let sizeMin: UInt64 = 1 << 20
  /// What is freed when the disk itself is full, bytes.
  static let emergency: UInt64 = 16 << 20
  /// Files that one write looks at, at most, to make room: it must stay a matter of microseconds.
  private static let stepsMax = 64

  /// Takes the directory for this process, and empties it of an earlier process's files. `limits.sizeMax` becomes less
  /// when the disk has less.
  package init(directory: String, limits: Limits) throws(CacheError) {
    self.directory = try CacheDirectory(path: directory)
    var limits = limits
    // What nothing but the disk's end would stop is stopped before it: culling is cheaper than refused writes.
    if let available = self.directory.availableBytes {
      limits.sizeMax = min(limits.sizeMax, max(available - available / 16, Self.sizeMin))
    }
    self.limits = limits
  }

  package convenience init(directory: String, sizeMax: UInt64) throws(CacheError) {
    try self.init(directory: directory, limits: Limits(sizeMax: sizeMax))
  }

  var memoryFileMax: Int { limits.memoryFileMax }

  package var usage: Usage {
    Usage(
      files: state.withLock { $0.index.count },
      diskBytes: UInt64(max(0, diskBytes.load(ordering: .relaxed))),
      memoryBytes: UInt64(max(0, memoryBytes.load(ordering: .relaxed))), sizeMax: limits.sizeMax)
  }

  /// The cache file of a vnode, with what the last owner left. A vnode has one owner at a time.
  package func checkOut(
    _ key: CacheKey, owner: any CacheFileOwner
  ) -> (file: CacheFile, ownership: UInt64, record: CacheRecord?) {
    // Taken under the lock, so that `forget` cannot remove it between.
    state.withLock { state in
      let file = state.index[key] ?? CacheFile(key: key, cache: self)
      state.index[key] = file
      let (ownership, record) = file.take(by: owner)
      return (file, ownership, record)
    }
  }

  /// Drops everything that no owner holds on to, and what owners are willing to give.
  package func flush() {
    let files = state.withLock { Array($0.index.values) }
    for file in files { file.cull(.max) }
  }

  // MARK: Called by cache files

  func addDisk(_ bytes: Int64) { diskBytes.add(bytes, ordering: .relaxed) }
  func addMemory(_ bytes: Int64) { memoryBytes.add(bytes, ordering: .relaxed) }

  /// Removes an empty file from the index, unless it has found a new owner meanwhile.
  func forget(_ file: CacheFile, ownership: UInt64) {
    state.withLock { state in
      if state.index[file.key] === file, file.isOwned(by: ownership) { state.index[file.key] = nil }
    }
  }

  func entersMemory(_ file: CacheFile) {
    state.withLock { enter(file, &$0.memory) }
  }

  func entersDisk(_ file: CacheFile) {
    state.withLock { enter(file, &$0.disk) }
  }

  func used(_ file: CacheFile) {
    let age = clock.load(ordering: .relaxed) &- file.stamp.load(ordering: .relaxed)
    guard age > useDistance.load(ordering: .relaxed) else { return }
    if file.isOnDisk { entersDisk(file) } else if file.isInMemory { entersMemory(file) }
  }

  private func enter(_ file: CacheFile, _ queue: inout RecencyQueue) {
    queue.append(file, stamp: clock.add(1, ordering: .relaxed).newValue)
    useDistance.store(UInt64(queue.count / 8), ordering: .relaxed)
  }

  func opened(_ file: CacheFile) {
    state.withLock { $0.descriptors.append(file) }
    limitDescriptors()
  }

  private func limitDescriptors() {
    let limit = limits.descriptorsMax
    var steps = 0
    while steps < Self.stepsMax {
      let victim = state.withLock { $0.descriptors.count > limit ? $0.descriptors.popFirst() : nil }
      guard let victim else { return }
      steps += 1
      victim.closeDescriptor()
    }
  }

  // MARK: Making room

  /// Brings memory and disk back below their limits, in bounded steps.
  func relieve() {
    if memoryBytes.load(ordering: .relaxed) > Int64(limits.memoryMax) { relieveMemory() }
    let disk = diskBytes.load(ordering: .relaxed)
    if disk > Int64(limits.sizeMax), disk > sweepAgainAbove.load(ordering: .relaxed) {
      // A sixteenth below the limit: sweeps are then rare.
      sweepDisk(to: Int64(limits.sizeMax - limits.sizeMax / 16), stepsMax: Self.stepsMax)
    }
  }

  /// Frees `bytes` of disk because the disk itself is full; false when nothing could be freed.
  func free(_ bytes: UInt64) -> Bool {
    let before = diskBytes.load(ordering: .relaxed)
    let files = state.withLock { $0.disk.count }
    sweepDisk(to: max(0, before - Int64(clamping: bytes)), stepsMax: files)
    return diskBytes.load(ordering: .relaxed) < before
  }

  private func relieveMemory() {
    let goal = Int64(limits.memoryMax - limits.memoryMax / 16)
    var steps = 0
    while steps < Self.stepsMax, memoryBytes.load(ordering: .relaxed) > goal,
      let file = state.withLock({ $0.memory.popFirst() })
    {
      steps += 1
      do {
        try file.spill()
      } catch {
        // A disk that takes no more: what is on the server can go.
        file.cull(.max)
        if file.isInMemory { entersMemory(file) }
      }
    }
  }

  private func sweepDisk(to goal: Int64, stepsMax: Int) {
    guard !isSweeping.exchange(true, ordering: .acquiring) else { return }
    defer { isSweeping.store(false, ordering: .releasing) }
    let before = diskBytes.load(ordering: .relaxed)
    var steps = 0
    // Files which refuse come back at the end of the queue: nobody is asked twice.
    let stepsMax = min(stepsMax, state.withLock { $0.disk.count })
    while steps < stepsMax, diskBytes.load(ordering: .relaxed) > goal,
      let file = state.withLock({ $0.disk.popFirst() })
    {
      steps += 1
      file.cull(UInt64(max(0, diskBytes.load(ordering: .relaxed) - goal)))
      if file.isOnDisk { entersDisk(file) }
    }
    let after = diskBytes.load(ordering: .relaxed)
    let isFutile = steps > 0 && after >= before
    let pause = Int64(min(1 << 20, limits.sizeMax / 16))
    sweepAgainAbove.store(isFutile ? after + pause : 0, ordering: .relaxed)
  }
}
