import AFSBase
import AFSCredentials
import AFSTypes

/// All locks on one file: those of this host's processes, and the one that we hold at the server for all of them. A value.
///
/// The server knows whole files, readers and writers, and no owners (OpenAFS src/viced/afsfileprocs.c, HandleLocking). We
/// hold its lock from the first local lock to the last: a writer's as soon as one of ours is exclusive.
struct FileLockState: Sendable {
  /// What we hold at the server.
  enum ServerLock: Int, Sendable, Comparable {
    case none
    case shared
    case exclusive

    static func < (a: ServerLock, b: ServerLock) -> Bool { a.rawValue < b.rawValue }
  }

  private struct OwnerKey: Hashable {
    var style: LockRequest.Style
    var owner: UInt64
  }

  /// Records on one file at most: as many as a database might want, few enough to be looked through.
  static let heldMax = 4096

  private var records = LockTable()
  private var wholeFile = LockTable()
  private(set) var server = ServerLock.none
  /// The server does not enforce it: it refuses such locks to us, or has nothing to lock.
  private(set) var isLocalOnly = false
  /// The server's lock runs five minutes from here.
  private(set) var extended = MonotonicTime.zero
  private(set) var identity = Identity.daemon
  /// Who held a lock while somebody else may have changed the file.
  private var lost: Set<OwnerKey> = []

  var isUnlocked: Bool { records.isEmpty && wholeFile.isEmpty }

  /// What the local locks need at the server.
  var needed: ServerLock {
    if isUnlocked { return .none }
    return records.hasExclusive || wholeFile.hasExclusive ? .exclusive : .shared
  }

  enum OnRequest: Equatable {
    case granted
    /// Another process of this host is in the way.
    case conflict
    /// The server must be asked first.
    case needsServer(ServerLock)
    /// A lock of this owner was lost: he must give back what he has, and look at the file again.
    case lost
    case tooMany
  }

  mutating func request(_ request: LockRequest) -> OnRequest {
    if lost.contains(OwnerKey(style: request.style, owner: request.owner)) { return .lost }
    if conflict(with: request) != nil { return .conflict }
    let wanted: ServerLock = request.isExclusive ? .exclusive : .shared
    guard server >= wanted else { return .needsServer(wanted) }
    guard records.held.count + wholeFile.held.count < Self.heldMax else { return .tooMany }
    withTable(request.style) { table in
      table.set(
        owner: request.owner, processID: request.processID, range: request.range, isExclusive: request.isExclusive)
    }
    return .granted
  }

  func conflict(with request: LockRequest) -> HeldLock? {
    let table = request.style == .record ? records : wholeFile
    return table.conflict(owner: request.owner, range: request.range, isExclusive: request.isExclusive).map {
      HeldLock(processID: $0.processID, range: $0.range, isExclusive: $0.isExclusive)
    }
  }

  /// - Returns: whether a lock was given back.
  mutating func release(_ style: LockRequest.Style, owner: UInt64, range: Range<UInt64>) -> Bool {
    let hadSome = withTable(style) { $0.clear(owner: owner, range: range) }
    let table = style == .record ? records : wholeFile
    if !table.isHolding(owner) { lost.remove(OwnerKey(style: style, owner: owner)) }
    return hadSome
  }

  private mutating func withTable<R>(_ style: LockRequest.Style, _ body: (inout LockTable) -> R) -> R {
    switch style {
    case .record: body(&records)
    case .wholeFile: body(&wholeFile)
    }
  }

  // MARK: The server's lock

  /// - Parameter now: from before the call.
  mutating func serverGranted(_ lock: ServerLock, to identity: Identity, now: MonotonicTime, localOnly: Bool = false) {
    server = lock
    self.identity = identity
    extended = now
    isLocalOnly = localOnly
  }

  mutating func serverExtended(now: MonotonicTime) {
    extended = now
  }

  mutating func serverReleased() {
    server = .none
    isLocalOnly = false
  }

  /// Somebody else had, or may have had, the file meanwhile: whoever holds a lock now is told so by his next request.
  mutating func lose() {
    lost.formUnion(records.owners.map { OwnerKey(style: .record, owner: $0) })
    lost.formUnion(wholeFile.owners.map { OwnerKey(style: .wholeFile, owner: $0) })
  }
}
