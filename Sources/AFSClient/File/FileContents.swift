package import AFSBase
internal import AFSCache
package import AFSCredentials
internal import AFSTypes
internal import Synchronization

/// The data of one file: what of it is cached, what is changed here and not yet stored.
///
/// The lock guards knowledge only; bytes move between memory and the cache file outside of it. Rules which make
/// that safe: a reader checks `generation` after it has read, and reads again when it has changed; data being
/// filled in by a fetch and local writes never overlap (a writer waits); bytes count as valid only after they are in
/// the file. Nothing of the core, the observer included, is called under the lock.
///
/// The core keeps one instance a file, and keeps it for as long as `localChange` is not nil.
package final class FileContents: CacheFileOwner, Sendable {
  typealias Continuation = CheckedContinuation<Result<Void, AFSError>, Never>

  struct ReadWaiter {
    var range: Range<UInt64>
    var continuation: Continuation
  }

  struct Guarded {
    var state = FileContentsState()
    var storage: CacheFile?
    var ownership: UInt64 = 0
    /// Readers of bytes which are on their way.
    var readers: [UInt64: ReadWaiter] = [:]
    /// Local writes and cuts which wait until a range of the cache file is no longer busy.
    var busyWaiters: [UInt64: Continuation] = [:]
    var stores = StoreQueue()
    var openCount = 0
    var writerCount = 0
    /// The `epoch` that the kernel's pages are of.
    var kernelEpoch: UInt64?
    /// The shortest time until the first bytes of a fetch came: mostly the round trip to the server.
    var firstBytesAfter: Duration?
    /// Where the last read ended: culling spares what comes next.
    var lastRead: UInt64 = 0
    /// The cache's disk failed for this file: reads go past it until it is opened anew.
    var bypassesCache = false
    var isRetrying = false
    /// What the file adds to the unstored data of all files.
    var share = UnstoredData.Share()
    /// It waits to be stored because of that.
    var isQueued = false
    var nextID: UInt64 = 0

    mutating func makeID() -> UInt64 {
      nextID += 1
      return nextID
    }
  }

  package let file: FileKey
  let context: FileContentsContext
  let guarded = Mutex(Guarded())

  package init(file: FileKey, context: FileContentsContext) {
    self.file = file
    self.context = context
    let (storage, ownership, record) = context.cache.checkOut(CacheKey(cell: file.cell, fid: file.fid), owner: self)
    guarded.withLock { guarded in
      guarded.storage = storage
      guarded.ownership = ownership
      if let record { guarded.state.restore(record) }
    }
  }

  deinit {
    guarded.withLock { guarded in
      context.unstored.change(from: guarded.share, to: .init(), of: self, isQueued: &guarded.isQueued)
      guarded.storage!.giveBack(guarded.state.record, ownership: guarded.ownership)
    }
  }

  // MARK: For the core

  /// A trusted status has arrived (never the answer to a store of `FileTransfers`: that is taken from its result).
  package func learned(_ status: FileStatus) {
    let outcome = guarded.withLock { $0.state.learned(version: status.dataVersion, length: status.length) }
    announce(outcome)
  }

  /// The size, time and permissions (nil: the server's) which the file has here, when they are not yet the server's.
  package var localChange: (size: UInt64, modified: WallTime, permissions: UInt16?)? {
    guarded.withLock {
      $0.state.hasLocalChange ? ($0.state.size, $0.state.modified, $0.state.permissions) : nil
    }
  }

  /// `chmod` while data is yet to be stored: true when the next store will carry `permissions`; false means that the
  /// server must be told on its own.
  package func setPermissions(_ permissions: UInt16) -> Bool {
    guarded.withLock { $0.state.setPermissions(permissions) }
  }

  /// The server was told of permissions on their own.
  package func permissionsStored() {
    guarded.withLock { $0.state.permissionsStored() }
  }

  /// `utimens` while data is yet to be stored: true when the next store will carry `time`; false means that the
  /// server must be told on its own.
  package func setModified(_ time: WallTime) -> Bool {
    guarded.withLock { $0.state.setModified(time) }
  }

  /// Open files of this file.
  package var openCount: Int { guarded.withLock { $0.openCount } }

  package var size: UInt64 { guarded.withLock { $0.state.size } }

  /// Opens the file; the first status has been learned. With `access.truncates` the file is cut to nothing (here, and
  /// on the server at the next store): not to be asked for on a file which was just created.
  package func open(node: any Node, access: OpenAccess, identity: Identity) -> any OpenFile {
    let keepsPages = guarded.withLock { guarded in
      guarded.openCount += 1
      if access.writes { guarded.writerCount += 1 }
      guarded.bypassesCache = false
      defer { guarded.kernelEpoch = guarded.state.epoch }
      return guarded.kernelEpoch == guarded.state.epoch
    }
    if access.truncates { truncateHere(to: 0, as: identity) }
    return OpenContents(
      node: node, contents: self, access: access, identity: identity, keepsKernelPages: keepsPages)
  }

  /// `truncate(2)`, `ftruncate(2)`: cuts or extends. Stored at the next flush of a writer; at once when nobody has
  /// the file open for writing.
  package func truncate(to size: UInt64, as identity: Identity) async throws(AFSError) {
    guard size <= UInt64(Int64.max) else { throw .fileTooLarge }
    let hadChange = guarded.withLock { $0.state.hasLocalChange }
    truncateHere(to: size, as: identity)
    guard guarded.withLock({ $0.writerCount == 0 }) else { return }
    do {
      try await storeAll(as: identity)
    } catch {
      // The caller learns of the failure: the file must not look as if it had been cut. Who was interrupted does not
      // know what became of it: it is done, as soon as that can be.
      let isDropped = !hadChange && error != .interrupted && dropChanges(because: nil)
      if !isDropped { retryLater(as: identity, after: 0) }
      throw error
    }
  }

  /// What is cached may be another file's content with the same data version: clean data is fetched again.
  package func distrust() {
    guarded.withLock { $0.state.distrust() }
    context.observer.contentsReplaced(file)
  }

  /// The file does not exist any more: drops all data, changed data too.
  package func discard() {
    guarded.withLock { guarded in
      guarded.state.discard()
      guarded.stores.lastFailure = nil
      account(&guarded)
    }
    context.unstored.settle()
    emptyStorage()
  }

  // MARK: Inside

  var storage: CacheFile { guarded.withLock { $0.storage! } }

  /// Tells the sums over all files what this one has. Called under the lock after each change of it.
  func account(_ guarded: inout Guarded) {
    let share = UnstoredData.Share(
      bytes: guarded.state.unstoredBytes, isRefused: guarded.stores.lastFailure != nil)
    guard share != guarded.share else { return }
    context.unstored.change(from: guarded.share, to: share, of: self, isQueued: &guarded.isQueued)
    guarded.share = share
  }

  func announce(_ outcome: FileContentsState.OnStatus) {
    guard case .replaced(let conflict) = outcome else { return }
    context.observer.contentsReplaced(file)
    if conflict { context.observer.changedOnBothSides(file) }
  }

  /// Drops what was changed here, and tells; `error` nil when whoever made the change has been told already.
  /// - Returns: false when that cannot be now, because a store is under way.
  func dropChanges(because error: AFSError?) -> Bool {
    let (lost, isBusy) = guarded.withLock { guarded -> (UInt64?, Bool) in
      // Who has opened the file for writing meanwhile, on any thread, may yet make room: the changes are his now.
      guard guarded.state.hasLocalChange, guarded.writerCount == 0 else { return (nil, false) }
      guard guarded.state.storing == nil else { return (nil, true) }
      guarded.stores.lastFailure = nil
      let lost = guarded.state.dropLocalChange()
      account(&guarded)
      return (lost, false)
    }
    guard let lost else { return !isBusy }
    context.unstored.settle()
    context.observer.contentsReplaced(file)
    if let error { context.observer.changesDropped(file, bytes: lost, error: error) }
    return true
  }

  /// Waits for a continuation which `register` keeps under a number, or is answered by `register` itself. When the
  /// task is cancelled, `remove` takes it back.
  func wait(
    register: (inout Guarded, UInt64, Continuation) -> Result<Void, AFSError>?,
    remove: @escaping @Sendable (inout Guarded, UInt64) -> Continuation?
  ) async throws(AFSError) {
    let id = guarded.withLock { $0.makeID() }
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: Continuation) in
        let immediate = guarded.withLock { guarded -> Result<Void, AFSError>? in
          // The handler below has run already, or will find what `register` leaves.
          if Task.isCancelled { return .failure(.interrupted) }
          return register(&guarded, id, continuation)
        }
        if let immediate { continuation.resume(returning: immediate) }
      }
    } onCancel: {
      let continuation = self.guarded.withLock { remove(&$0, id) }
      continuation?.resume(returning: .failure(.interrupted))
    }
    try result.get()
  }

  /// Waits while `isBusy` holds: until some transfer into the cache file has ended.
  func waitWhileBusy(_ isBusy: (borrowing Guarded) -> Bool) async throws(AFSError) {
    try await wait { guarded, id, continuation in
      guard isBusy(guarded) else { return .success(()) }
      guarded.busyWaiters[id] = continuation
      return nil
    } remove: { guarded, id in
      guarded.busyWaiters.removeValue(forKey: id)
    }
  }
}

extension FileContents.Guarded {
  /// To be resumed outside of the lock: each looks again for itself.
  mutating func takeBusyWaiters() -> [FileContents.Continuation] {
    guard !busyWaiters.isEmpty else { return [] }
    defer { busyWaiters.removeAll() }
    return Array(busyWaiters.values)
  }
}

extension [FileContents.Continuation] {
  func resumeAll(_ result: Result<Void, AFSError> = .success(())) {
    for continuation in self { continuation.resume(returning: result) }
  }
}
