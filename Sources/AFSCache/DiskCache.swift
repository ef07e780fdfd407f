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
    var memory: Deque<CacheFile> = []
    var disk: Deque<CacheFile> = []
    var descriptors: Deque<CacheFile> = []
  }

  let directory: CacheDirectory
  package let limits: Limits
  private let state = Mutex(State())
  private let diskBytes = Atomic<Int64>(0)
  private let memoryBytes = Atomic<Int64>(0)
  private let isSweeping = Atomic<Bool>(false)
  /// After a sweep that freed nothing: no other one below this many disk bytes.
  private let sweepAgainAbove = Atomic<Int64>(0)

  /// ENOSPC; errno constants are not imported where only this one is needed.
  static let noSpace: Int32 = 28
  /// What is freed when the disk itself is full, bytes.
  static let emergency: UInt64 = 16 << 20
  /// Files that one write looks at, at most, to make room: it must stay a matter of microseconds.
  private static let stepsMax = 64

  /// Takes the directory for this process, and empties it of an earlier process's files.
  package init(directory: String, limits: Limits) throws(CacheError) {
    self.directory = try CacheDirectory(path: directory)
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

  /// Takes a file into rings; called once for each time that it enters one, with no file's lock held.
  func enlist(_ file: CacheFile, in rings: CacheRings) {
    state.withLock { state in
      if rings.contains(.memory) { state.memory.append(file) }
      if rings.contains(.disk) { state.disk.append(file) }
      if rings.contains(.descriptors) { state.descriptors.append(file) }
    }
    if rings.contains(.descriptors) { limitDescriptors() }
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
    sweepDisk(to: max(0, before - Int64(clamping: bytes)), stepsMax: 2 * files)
    return diskBytes.load(ordering: .relaxed) < before
  }

  private func relieveMemory() {
    let goal = Int64(limits.memoryMax - limits.memoryMax / 16)
    var steps = 0
    while steps < Self.stepsMax, memoryBytes.load(ordering: .relaxed) > goal, let file = state.withLock({ $0.memory.popFirst() })
    {
      steps += 1
      if !file.clearUsedMark() {
        do {
          try file.spill()
        } catch {
          file.cull(.max)
        }
      }
      if file.belongs(in: .memory) { state.withLock { $0.memory.append(file) } }
    }
  }

  private func sweepDisk(to goal: Int64, stepsMax: Int) {
    guard !isSweeping.exchange(true, ordering: .acquiring) else { return }
    defer { isSweeping.store(false, ordering: .releasing) }
    let before = diskBytes.load(ordering: .relaxed)
    var steps = 0
    var asked = 0
    while steps < stepsMax, let file = state.withLock({ $0.disk.popFirst() }) {
      steps += 1
      let excess = diskBytes.load(ordering: .relaxed) - goal
      if excess > 0, !file.clearUsedMark() {
        asked += 1
        file.cull(UInt64(excess))
      }
      if file.belongs(in: .disk) { state.withLock { $0.disk.append(file) } }
      if excess <= 0 { break }
    }
    let after = diskBytes.load(ordering: .relaxed)
    let isFutile = asked > 0 && after >= before
    sweepAgainAbove.store(isFutile ? after + (1 << 20) : 0, ordering: .relaxed)
  }
}

/// The lists which the cache's sweeps go round, and in which of them a file is.
struct CacheRings: OptionSet {
  let rawValue: UInt8
  /// Files with data in memory.
  static let memory = CacheRings(rawValue: 1)
  /// Files on disk.
  static let disk = CacheRings(rawValue: 2)
  /// Files with an open descriptor.
  static let descriptors = CacheRings(rawValue: 4)
}
