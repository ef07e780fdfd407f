import AFSTypes
import Synchronization

@testable import AFSClient

/// An open file of `MemoryFileSystem`.
final class MemoryFile: OpenFile {
  let node: any Node
  private let fileSystem: MemoryFileSystem

  init(_ node: any Node, _ fileSystem: MemoryFileSystem) {
    self.node = node
    self.fileSystem = fileSystem
  }

  private var number: UInt64 { MemoryFileSystem.number(node) }

  var keepsKernelPages: Bool { fileSystem.behaviour.keepsPages }
  var size: UInt64 { fileSystem.state.withLock { UInt64($0.inodes[number]?.bytes.count ?? 0) } }

  func cachedRead(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Result<Int, AFSError>? {
    let behaviour = fileSystem.behaviour
    guard behaviour.answersFromCache, !behaviour.blocksReads else { return nil }
    if let failure = behaviour.failure { return .failure(failure) }
    return .success(copy(at: offset, into: buffer))
  }

  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) async throws(AFSError) -> Int {
    if let failure = fileSystem.behaviour.failure { throw failure }
    if fileSystem.behaviour.blocksReads {
      await waitUntilReleased()
      if Task.isCancelled {
        fileSystem.state.withLock { $0.counts.interrupted += 1 }
        throw .interrupted
      }
    }
    return copy(at: offset, into: buffer)
  }

  private func copy(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    fileSystem.state.withLock { state in
      state.counts.reads += 1
      guard let bytes = state.inodes[number]?.bytes, offset < bytes.count else { return 0 }
      let part = bytes[Int(offset)..<min(bytes.count, Int(offset) + buffer.count)]
      part.withUnsafeBytes { buffer.copyMemory(from: $0) }
      return part.count
    }
  }

  func cachedWrite(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) -> Result<Void, AFSError>? {
    guard fileSystem.behaviour.answersFromCache else { return nil }
    do throws(AFSError) { return .success(try put(bytes, at: offset)) } catch { return .failure(error) }
  }

  func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) async throws(AFSError) {
    try put(bytes, at: offset)
  }

  private func put(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(AFSError) {
    try fileSystem.locked { (state) throws(AFSError) -> Void in
      state.counts.writes += 1
      let end = Int(offset) + bytes.count
      guard end <= state.behaviour.quota else { throw .quotaExceeded }
      let count = state.inodes[number]?.bytes.count ?? 0
      if count < end { state.inodes[number]?.bytes += [UInt8](repeating: 0, count: end - count) }
      state.inodes[number]?.bytes.withUnsafeMutableBytes { memory in
        UnsafeMutableRawBufferPointer(rebasing: memory[Int(offset)..<end]).copyMemory(from: bytes)
      }
      state.inodes[number]?.version += 1
    }
  }

  func cachedFlush() -> Result<Void, AFSError>? {
    fileSystem.behaviour.answersFromCache ? .success(count(\.flushes)) : nil
  }

  func flush() async throws(AFSError) { count(\.flushes) }
  func synchronize() async throws(AFSError) { count(\.synchronizations) }
  func close() async {
    if fileSystem.behaviour.blocksCloseOf == number { await waitUntilReleased() }
    count(\.closes)
  }

  // MARK: Locks

  var hasLocks: Bool { fileSystem.locks.withLock { $0[number] != nil } }

  func lock(_ request: LockRequest) async throws(AFSError) {
    while true {
      // Made before the look: an unlock after it opens the gate.
      let (unlocked, gate) = AsyncStream<Void>.makeStream()
      fileSystem.state.withLock { $0.lockGates.append(gate) }
      let granted = fileSystem.locks.withLock { locks in
        var table = locks[number, default: [:]][request.style] ?? LockTable()
        guard table.conflict(owner: request.owner, range: request.range, isExclusive: request.isExclusive) == nil else {
          return false
        }
        table.set(
          owner: request.owner, processID: request.processID, range: request.range, isExclusive: request.isExclusive)
        locks[number, default: [:]][request.style] = table
        return true
      }
      // It may be less than what its owner had.
      if granted { return openLockGates() }
      guard request.waits else { throw .wouldBlock }
      for await _ in unlocked {}
      guard !Task.isCancelled else { throw .interrupted }
    }
  }

  func obstacle(to request: LockRequest) async throws(AFSError) -> HeldLock? {
    let table = fileSystem.locks.withLock { $0[number]?[request.style] }
    return table?.conflict(owner: request.owner, range: request.range, isExclusive: request.isExclusive).map {
      HeldLock(processID: $0.processID, range: $0.range, isExclusive: $0.isExclusive)
    }
  }

  func unlock(_ style: LockRequest.Style, owner: UInt64, range: Range<UInt64>) async {
    clear(style, owner, range)
  }

  func unlockSoon(_ style: LockRequest.Style, owner: UInt64) {
    clear(style, owner, 0..<UInt64.max)
  }

  private func clear(_ style: LockRequest.Style, _ owner: UInt64, _ range: Range<UInt64>) {
    fileSystem.locks.withLock { _ = $0[number]?[style]?.clear(owner: owner, range: range) }
    openLockGates()
  }

  private func openLockGates() {
    let gates = fileSystem.state.withLock { state in
      defer { state.lockGates = [] }
      return state.lockGates
    }
    for gate in gates { gate.finish() }
  }

  private func count(_ counter: any WritableKeyPath<MemoryFileSystem.Counts, Int> & Sendable) {
    fileSystem.state.withLock { $0.counts[keyPath: counter] += 1 }
  }

  /// Returns at `releaseReads()` or when the task is cancelled.
  private func waitUntilReleased() async {
    let (stream, gate) = AsyncStream<Void>.makeStream()
    fileSystem.state.withLock { $0.gates.append(gate) }
    for await _ in stream {}
  }
}

/// An open directory of `MemoryFileSystem`: a snapshot.
final class MemoryDirectory: OpenDirectory {
  private let fileSystem: MemoryFileSystem
  private let names: [(name: [UInt8], number: UInt64, mount: UInt32)]
  private let own: any Node
  private let prepared: Atomic<Int>
  let keepsKernelListing: Bool

  init(_ fileSystem: MemoryFileSystem, _ node: any Node, _ inode: MemoryFileSystem.Inode, isPrepared: Bool) {
    self.fileSystem = fileSystem
    own = node
    keepsKernelListing = true
    prepared = Atomic(isPrepared ? Int.max : 0)
    names = inode.order.compactMap { name in
      inode.entries[name].map { (name, $0, inode.mountOf[name] ?? node.key.mount) }
    }
  }

  func item(at index: Int) -> DirectoryItem? {
    if index < 2 {
      let dots = [UInt8](repeating: UInt8(ascii: "."), count: index + 1)
      return DirectoryItem(name: dots, fileID: MemoryFileSystem.number(own) + 100, kind: .directory)
    }
    guard index - 2 < names.count else { return nil }
    let (name, number, _) = names[index - 2]
    return DirectoryItem(name: name, fileID: number + 100, kind: nil)
  }

  func entry(at index: Int) -> NodeEntry? {
    guard index >= 2, index - 2 < names.count, index < prepared.load(ordering: .relaxed) else { return nil }
    let (_, number, mount) = names[index - 2]
    return try? fileSystem.locked { (state) throws(AFSError) -> NodeEntry in
      try fileSystem.entry(number, mount: mount, &state)
    }
  }

  func prepareEntries(from index: Int, count: Int) async throws(AFSError) {
    fileSystem.state.withLock { $0.counts.prepares += 1 }
    prepared.store(index + count, ordering: .relaxed)
  }
}
