internal import AFSBase
internal import AFSCache
package import AFSCredentials
internal import AFSTypes
internal import Synchronization

/// Storing: one call at a time a file (the server keeps a file locked for the length of a store, parallel calls only
/// queue there), from one task which runs for as long as there is something to do.
extension FileContents {
  /// Returns when all that is changed now is on the server. The calls are made as who changed the file last.
  /// - Parameter durable: the server is asked to commit it to its disk.
  /// - Throws: what a call failed with; the changed data stays, to be stored at the next occasion.
  package func storeAll(as identity: Identity, durable: Bool = false) async throws(AFSError) {
    try await wait { [self] guarded, id, continuation in
      guard guarded.state.hasLocalChange || durable && guarded.stores.isUncommitted else { return .success(()) }
      guarded.stores.waiting[id] = StoreQueue.Waiter(
        identity: identity, durable: durable, continuation: continuation)
      runStores(&guarded)
      return nil
    } remove: { guarded, id in
      guarded.stores.waiting.removeValue(forKey: id)?.continuation
    }
  }

  /// Starts the storing task when there is reason to and it is not at work.
  func runStores(_ guarded: inout Guarded) {
    guard !guarded.stores.isRunning, !guarded.stores.waiting.isEmpty || wantsUnaskedStore(guarded) else { return }
    guarded.stores.isRunning = true
    context.spawn { [self] in
      while await storeNext() {}
    }
  }

  private func wantsUnaskedStore(_ guarded: borrowing Guarded) -> Bool {
    if !guarded.stores.writers.isEmpty || guarded.stores.isForRoom { return true }
    return guarded.state.dirty.count >= context.limits.storeMin
      && guarded.state.dirty.count > guarded.stores.unaskedAbove
  }

  /// Stores what is changed now, because all files together have too much.
  /// - Returns: false when there is nothing that could be stored.
  func storeForRoom() -> Bool {
    guarded.withLock { guarded in
      guarded.isQueued = false
      guard !guarded.stores.isForRoom, guarded.stores.lastFailure == nil, !guarded.state.dirty.isEmpty else {
        return false
      }
      guarded.stores.isForRoom = true
      runStores(&guarded)
      return true
    }
  }

  private func endStoreForRoom(_ guarded: inout Guarded) {
    guard guarded.stores.isForRoom else { return }
    guarded.stores.isForRoom = false
    context.unstored.storeForRoomEnded()
  }

  private enum Step {
    case call(FileContentsState.StoreCall, Identity, durable: Bool, CacheFile)
    case passEnded([Continuation])
    case idle([Continuation])
  }

  /// One step of the storing task; false at its end.
  private func storeNext() async -> Bool {
    let step = guarded.withLock { nextStep(&$0) }
    switch step {
    case .passEnded(let waiters):
      waiters.resumeAll()
      return true
    case .idle(let writers):
      writers.resumeAll()
      context.unstored.settle()
      return false
    case .call(let call, let identity, let durable, let storage):
      do throws(AFSError) {
        let status = try await send(call, durable: durable, from: storage, as: identity)
        stored(call, status, durable: durable)
      } catch {
        storeFailed(call, error)
      }
      return true
    }
  }

  private func send(
    _ call: FileContentsState.StoreCall, durable: Bool, from storage: CacheFile, as identity: Identity
  ) async throws(AFSError) -> FileStatus {
    if call.isCommit { return try await context.transfers.commit(file, as: identity) }
    let status = try await context.transfers.store(
      file, offset: call.range.lowerBound, count: call.range.length, length: call.length,
      modified: call.modified, permissions: call.permissions, durable: durable, as: identity
    ) { buffer, offset throws(AFSError) in
      do throws(CacheError) {
        try storage.read(at: offset, into: buffer)
      } catch {
        throw AFSError(error)
      }
    }
    try check(status, after: call)
    return status
  }

  private func nextStep(_ guarded: inout Guarded) -> Step {
    if guarded.stores.pass == nil { guarded.stores.beginPass(over: guarded.state.dirty) }
    if let pass = guarded.stores.pass {
      guard let call = nextCall(&guarded) else { return .passEnded(guarded.stores.endPass()) }
      return .call(call, guarded.state.writer ?? pass.identity, durable: pass.durable, guarded.storage!)
    }
    if wantsUnaskedStore(guarded), let first = guarded.state.dirty.first {
      let call = guarded.state.beginStore(of: shortened(first))
      return .call(call, guarded.state.writer ?? .daemon, durable: false, guarded.storage!)
    }
    guarded.stores.isRunning = false
    endStoreForRoom(&guarded)
    return .idle(guarded.stores.takeWriters())
  }

  private func shortened(_ range: Range<UInt64>) -> Range<UInt64> {
    range.lowerBound..<min(range.upperBound, range.lowerBound + context.limits.storeCallMax)
  }

  /// The pass's next call: changed ranges first, then what is left of length and time.
  private func nextCall(_ guarded: inout Guarded) -> FileContentsState.StoreCall? {
    while let range = guarded.stores.pass?.remaining.first {
      if let dirty = guarded.state.dirty.intersection(range).first {
        let piece = shortened(dirty)
        guarded.stores.pass?.remaining.remove(range.lowerBound..<piece.upperBound)
        return guarded.state.beginStore(of: piece)
      }
      guarded.stores.pass?.remaining.remove(range)
    }
    // With changed bytes left by a writer beside the pass, a later call carries the length.
    if guarded.state.dirty.isEmpty, let call = guarded.state.beginLengthStore() { return call }
    // What was stored before anybody asked for it to last.
    let commits = guarded.stores.pass?.durable == true && guarded.stores.isUncommitted
    return commits ? guarded.state.beginCommit() : nil
  }

  /// A server which does not do what it answers for would keep us storing for ever.
  private func check(_ status: FileStatus, after call: FileContentsState.StoreCall) throws(AFSError) {
    let isRight = call.range.isEmpty ? status.length == call.length : status.length >= call.range.upperBound
    if !isRight { throw .corrupt("file \(file.fid) is \(status.length) bytes long after a store of \(call.range)") }
  }

  private func stored(_ call: FileContentsState.StoreCall, _ status: FileStatus, durable: Bool) {
    let (outcomes, writers, readers) = guarded.withLock { guarded in
      guarded.stores.lastFailure = nil
      guarded.stores.unaskedAbove = 0
      guarded.stores.isUncommitted = !durable
      var outcomes = [guarded.state.stored(call, version: status.dataVersion, length: status.length)]
      outcomes += judgeParked(&guarded)
      account(&guarded)
      let hasRoom = guarded.state.unstoredBytes < context.limits.dirtyMax
      return (outcomes, hasRoom ? guarded.stores.takeWriters() : [], guarded.takeAllReaders())
    }
    finish(outcomes, writers, readers)
  }

  private func storeFailed(_ call: FileContentsState.StoreCall, _ error: AFSError) {
    let (outcomes, waiters, readers) = guarded.withLock { guarded in
      var outcomes = [guarded.state.storeFailed(call)]
      outcomes += judgeParked(&guarded)
      guarded.stores.lastFailure = error
      guarded.stores.unaskedAbove = guarded.state.dirty.count + context.limits.storeMin
      endStoreForRoom(&guarded)
      account(&guarded)
      return (outcomes, guarded.stores.takeAll(), guarded.takeAllReaders())
    }
    waiters.resumeAll(.failure(error))
    finish(outcomes, [], readers)
  }

  private func finish(
    _ outcomes: [FileContentsState.OnStatus], _ writers: [Continuation], _ readers: [Continuation]
  ) {
    writers.resumeAll()
    readers.resumeAll()
    for outcome in outcomes { announce(outcome) }
    context.unstored.settle()
  }
}
