package import AFSBase
package import AFSCache
package import Logging
package import RxCore
import RxSecurity
package import RxTransport
import Synchronization

/// What all parts of the client work with: the tables, the caller, the clock. Everything in it is shared and safe
/// to use from any thread.
package final class ClientContext: Sendable {
  package let configuration: AFSClientConfiguration
  package let caller: any RxCaller
  package let timer: any RxTimer
  package let log: Logger
  package let cache: DiskCache
  package let uuid: AFSUUID
  /// Asks DNS for cells that are not configured; nil when that is not wanted.
  package let resolver: (any CellResolver)?
  package let cells: CellTable
  package let servers = FileserverTable()
  package let vnodes: VnodeTable
  package let directories: DirectoryMemory
  package let mounts = MountTable()
  package let invalidations = InvalidationRelay()
  package let locks = LockedFiles()
  package let callbackReturns = CallbackReturns()
  package let credentials: CredentialTable
  package let hiddenNames: HiddenNames
  /// When the client started.
  package let startTime: WallTime
  /// What calls have come to, by operation: the transport keeps that.
  package let operations: @Sendable () async -> [RxOperation: RxOperationCounts]
  private let performanceQuestions = Atomic<Int>(0)
  package let unstoredCopies: UnstoredCopies
  private let storing = Mutex<(@Sendable (Cell) -> Void)?>(nil)
  private let random: Mutex<SeededGenerator>
  private let life = Mutex(Life.running)

  private enum Life {
    case running
    /// What is dirty is being stored: calls still go out.
    case ending
    case ended
  }

  package init(
    configuration: AFSClientConfiguration, caller: any RxCaller, timer: any RxTimer, log: Logger, cache: DiskCache,
    resolver: (any CellResolver)?, uuid: AFSUUID, seed: UInt64, hiddenNames: HiddenNames,
    operations: @escaping @Sendable () async -> [RxOperation: RxOperationCounts],
    unstoredCopies: UnstoredCopies,
    credentials: CredentialTable = CredentialTable(
      // Without a provider there is no question.
      provider: nil, registry: nil, level: .crypt, spawn: { _ in })
  ) {
    self.operations = operations
    startTime = timer.wallTime
    self.credentials = credentials
    self.hiddenNames = hiddenNames
    self.unstoredCopies = unstoredCopies
    self.configuration = configuration
    self.caller = caller
    self.timer = timer
    self.log = log
    self.cache = cache
    self.resolver = resolver
    self.uuid = uuid
    cells = CellTable(configuration: configuration)
    vnodes = VnodeTable(countMax: configuration.vnodeCountMax, returns: callbackReturns)
    directories = DirectoryMemory(byteCountMax: configuration.directoryBytesMax)
    random = Mutex(SeededGenerator(seed: seed))
  }

  package var now: MonotonicTime { timer.now }

  /// - Returns: how many there were, this one among them.
  func countPerformanceQuestion() -> Int { performanceQuestions.add(1, ordering: .relaxed).newValue }

  // MARK: The end

  package var isShutDown: Bool { life.withLock { $0 == .ended } }

  /// False when the end has begun before.
  package func beginShutDown() -> Bool {
    life.withLock { life in
      guard life == .running else { return false }
      life = .ending
      return true
    }
  }

  /// From now on operations fail.
  package func endShutDown() {
    life.withLock { $0 = .ended }
  }

  package func randomNumber() -> UInt64 {
    random.withLock { $0.next() }
  }

  /// What stores the files of a cell that wait for a token.
  package func setStoring(_ body: @escaping @Sendable (Cell) -> Void) {
    storing.withLock { $0 = body }
  }

  /// Somebody's token for the cell has come: what waits for it can be stored.
  func tokenArrived(in cell: Cell) {
    storing.withLock { $0 }?(cell)
  }

  /// Waits; a cancelled task ends its operation.
  package func sleep(until deadline: MonotonicTime) async throws(AFSError) {
    do {
      try await timer.sleep(until: deadline)
    } catch {
      throw .interrupted
    }
  }
}

extension AsyncLock {
  /// Waits for the lock, or ends the operation when its task is cancelled.
  package func lock() async throws(AFSError) {
    guard await acquire() else { throw .interrupted }
  }
}
