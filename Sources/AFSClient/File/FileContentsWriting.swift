internal import AFSCache
internal import AFSCredentials
internal import RxTransport
internal import Synchronization

/// Writing and cutting: into the cache file, at once.
extension FileContents {
  /// How an attempt to write went.
  private enum Attempt {
    case done(Result<Void, AFSError>)
    /// Until a transfer is over, or until there is less changed data.
    case mustWait
    case diskFull
  }

  /// Takes all bytes, or none; nil when that needs waiting.
  func writeNow(at offset: UInt64, _ bytes: UnsafeRawBufferPointer, as identity: Identity) -> Result<Void, AFSError>? {
    guard case .done(let result) = attempt(at: offset, bytes, as: identity) else { return nil }
    return result
  }

  private func attempt(at offset: UInt64, _ bytes: UnsafeRawBufferPointer, as identity: Identity) -> Attempt {
    guard !bytes.isEmpty else { return .done(.success(())) }
    let (end, overflow) = offset.addingReportingOverflow(UInt64(bytes.count))
    guard !overflow, end <= UInt64(Int64.max) else { return .done(.failure(.fileTooLarge)) }
    if context.unstored.isOverfull {
      context.observer.tooMuchUnstored(context.unstored.refusedBytes)
      return .done(.failure(.noSpace))
    }
    let range = offset..<end
    let storage = guarded.withLock { guarded -> CacheFile? in
      guard canWrite(range, guarded), hasRoom(guarded), !context.unstored.isFull else { return nil }
      guarded.state.writing.append(range)
      return guarded.storage
    }
    guard let storage else { return .mustWait }
    do {
      try storage.write(at: offset, bytes)
    } catch {
      writeEnded(range, failed: true, as: identity)
      let error = AFSError(error)
      return error == .noSpace ? .diskFull : .done(.failure(error))
    }
    writeEnded(range, failed: false, as: identity)
    return .done(.success(()))
  }

  private func writeEnded(_ range: Range<UInt64>, failed: Bool, as identity: Identity) {
    let now = context.timer.wallTime
    let busy = guarded.withLock { guarded in
      if let index = guarded.state.writing.firstIndex(of: range) { guarded.state.writing.remove(at: index) }
      if failed {
        guarded.state.writeFailed(range)
        account(&guarded)
      } else {
        guarded.state.wrote(range, as: identity, now: now)
        guarded.stores.lastFailure = nil
        account(&guarded)
        runStores(&guarded)
      }
      return guarded.takeBusyWaiters()
    }
    busy.resumeAll()
    context.unstored.relieve()
  }

  private func canWrite(_ range: Range<UInt64>, _ guarded: borrowing Guarded) -> Bool {
    guarded.state.version != nil && !guarded.state.filling.contains { $0.overlaps(range) }
  }

  private func hasRoom(_ guarded: borrowing Guarded) -> Bool {
    guarded.state.unstoredBytes < context.limits.dirtyMax
  }

  func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer, as identity: Identity) async throws(AFSError) {
    var timesFull = 0
    while true {
      switch attempt(at: offset, bytes, as: identity) {
      case .done(let result): return try result.get()
      case .diskFull:
        timesFull += 1
        try await makeRoomOnDisk(time: timesFull, as: identity)
      case .mustWait:
        let range = Range<UInt64>(offset: offset, count: UInt64(bytes.count))
        guard guarded.withLock({ $0.state.version != nil }) else { throw .stale }
        try await waitWhileBusy { guarded in !canWrite(range, guarded) }
        try await waitForRoom()
        try await context.unstored.waitForRoom()
      }
    }
  }

  /// The cache's disk is full of what only we have: once it is stored, the cache can give it up.
  /// - Parameter time: how often the write has failed.
  private func makeRoomOnDisk(time: Int, as identity: Identity) async throws(AFSError) {
    switch time {
    case 1: try await storeAll(as: identity)
    case 2: try await context.unstored.waitForHalf()
    default:
      context.observer.cacheDiskFull(file)
      throw .noSpace
    }
  }

  /// Waits until the file has less changed data. A store that fails meanwhile fails the write: there is no room.
  private func waitForRoom() async throws(AFSError) {
    try await wait { [self] guarded, id, continuation in
      guard !hasRoom(guarded) else { return .success(()) }
      guarded.stores.writers[id] = continuation
      runStores(&guarded)
      return nil
    } remove: { guarded, id in
      guarded.stores.writers.removeValue(forKey: id)
    }
  }

  /// Cuts or extends the file here; the server learns of it at the next store.
  func truncateHere(to size: UInt64, as identity: Identity) {
    let now = context.timer.wallTime
    let cut = guarded.withLock { guarded -> CacheFile? in
      guarded.state.resized(to: size, as: identity, now: now)
      guarded.stores.lastFailure = nil
      account(&guarded)
      guard size < guarded.state.storageEnd, guarded.state.isQuiet(in: size..<UInt64.max) else { return nil }
      guarded.state.filling.append(size..<UInt64.max)
      return guarded.storage
    }
    context.unstored.settle()
    guard let cut else { return }
    cut.truncate(to: size)
    let busy = guarded.withLock { guarded in
      guarded.state.endEmptying([size..<UInt64.max])
      guarded.state.storageEnd = min(guarded.state.storageEnd, size)
      return guarded.takeBusyWaiters()
    }
    busy.resumeAll()
  }
}

extension FileContentsState {
  /// No transfer into the cache file touches `range`.
  func isQuiet(in range: Range<UInt64>) -> Bool {
    !writing.contains { $0.overlaps(range) } && !filling.contains { $0.overlaps(range) }
  }

  mutating func endEmptying(_ ranges: [Range<UInt64>]) {
    for range in ranges {
      if let index = filling.firstIndex(of: range) { filling.remove(at: index) }
    }
  }
}
