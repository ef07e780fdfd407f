package import AFSCache
package import RxTransport

/// What happens to a file's contents behind the core's back. Called with no lock held, from any thread; must not wait.
package protocol FileContentsObserver: Sendable {
  /// The contents are not what readers have seen so far (somebody else's change was noticed in a reply, or local
  /// changes were dropped): what the kernel has cached is void.
  func contentsReplaced(_ file: FileKey)
  /// Somebody else changed the file while it was changed here. Nothing is lost yet; see Docs/semantics.md for what
  /// the next store makes of it.
  func changedOnBothSides(_ file: FileKey)
  /// A write has failed: the cache's disk is full, and what could be stored was.
  func cacheDiskFull(_ file: FileKey)
  /// A write has failed: so many bytes of changed data were refused by their servers.
  func tooMuchUnstored(_ bytes: UInt64)
  /// Changes could not be stored, nobody has the file open for writing any more: they are gone.
  func changesDropped(_ file: FileKey, bytes: UInt64, error: AFSError)
}

/// What the contents of all files share.
package final class FileContentsContext: Sendable {
  /// Starts background work: a task on the transport's executor, or the simulation's.
  package typealias Spawner = @Sendable (@escaping @Sendable () async -> Void) -> Void

  /// Bytes.
  package struct Limits: Hashable, Sendable {
    var readAhead = ReadAhead.Limits()
    /// Read-ahead under way for one file.
    package var fetchingMax: UInt64 = 24 << 20
    /// Calls under way for one file's read-ahead: a fileserver is fastest with two to four.
    package var fetchCallsMax = 4
    /// The same for a distant one, whose calls wait for acknowledgements most of the time: 32 packets a round trip (OpenAFS
    /// src/rx/rx_globals.h, rx_maxSendWindow) are 9 MB/s at 5 ms, and 2.2 at 20.
    package var fetchCallsMaxDistant = 8
    /// From how long a round trip on a server is distant.
    package var distance = Duration.milliseconds(5)
    /// So much changed data starts a store before anybody asks.
    package var storeMin: UInt64 = 8 << 20
    /// The longest StoreData call: the server keeps the file locked while it lasts.
    package var storeCallMax: UInt64 = 32 << 20
    /// A writer waits while a file has more changed data than this.
    package var dirtyMax: UInt64 = 64 << 20
    /// Of all files together; nil: by the cache's size.
    package var unstored: UnstoredData.Limits?

    package init() {}
  }

  let cache: DiskCache
  let transfers: any FileTransfers
  let observer: any FileContentsObserver
  let budget: TransferBudget
  package let unstored: UnstoredData
  let timer: any RxTimer
  let limits: Limits
  let spawn: Spawner

  package init(
    cache: DiskCache, transfers: any FileTransfers, observer: any FileContentsObserver, timer: any RxTimer,
    budget: TransferBudget = TransferBudget(), limits: Limits = Limits(), spawn: @escaping Spawner
  ) {
    self.cache = cache
    self.transfers = transfers
    self.observer = observer
    self.timer = timer
    self.budget = budget
    var limits = limits
    // A window that is culled before it is read would be fetched for ever.
    limits.readAhead.windowMax = min(limits.readAhead.windowMax, max(cache.limits.sizeMax / 8, 1 << 16))
    limits.readAhead.windowMin = min(limits.readAhead.windowMin, limits.readAhead.windowMax)
    limits.dirtyMax = min(limits.dirtyMax, max(cache.limits.sizeMax / 4, 1 << 20))
    self.limits = limits
    unstored = UnstoredData(limits: limits.unstored ?? .init(cacheSize: cache.limits.sizeMax))
    self.spawn = spawn
  }
}

extension AFSError {
  init(_ error: CacheError) {
    switch error {
    case .system(let errno, _): self = errno == 28 ? .noSpace : .cacheFailure(errno)
    case .inUse, .notACache, .unknownVersion: self = .cacheFailure(5)
    }
  }

  /// Asking again may succeed without anybody doing anything: changed data is kept for it.
  var isTransient: Bool {
    switch self {
    case .timedOut, .unreachable, .volumeOffline, .busy, .wouldBlock, .interrupted, .tokenExpired, .shutDown: true
    case .notFound, .alreadyExists, .notDirectory, .isDirectory, .notEmpty, .nameTooLong, .invalidArgument,
      .invalidName, .crossDevice, .tooManyLinks, .fileTooLarge, .directoryFull, .tooManySymbolicLinks,
      .notSupported, .notPermitted, .accessDenied, .readOnly, .notSymbolicLink, .noAttribute, .quotaExceeded,
      .noSpace, .stale, .noSuchCell, .noSuchVolume, .corrupt, .cacheFailure, .aborted, .system:
      false
    }
  }
}
