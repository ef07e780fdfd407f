package import AFSBase
package import AFSCredentials
package import AFSTypes
package import RxCore

/// What is known of a vnode: the part that is guarded by the vnode's mutex. A value, so that its rules can be
/// tested without servers.
package struct VnodeState: Sendable {
  /// The newest status seen. To be trusted only as long as `promise` holds.
  package private(set) var status: FileStatus?
  package private(set) var promise: CallbackPromise?
  package private(set) var breaks: UInt64 = 0
  package private(set) var changes: UInt64 = 0
  /// Our own changes that were sent and not yet answered.
  package private(set) var changesInFlight = 0
  /// The server says that the file is gone.
  package private(set) var isRemoved = false
  /// The directory's contents, of the data version that they were fetched with or edited to.
  package var directory: LoadedDirectory?
  /// The version of which the kernel was given a listing that it may keep.
  package var listedVersion: DataVersion?
  /// A symbolic link's or mount point's text.
  package var linkText: [UInt8]?
  /// Mount points whose target is this vnode: the kernel knows its attributes under their keys.
  package var mountPoints: Set<FileKey> = []
  /// Open files of this vnode here.
  package var openCount = 0
  /// Where the file lies since it was unlinked while open; removed there at the last close.
  package var unlinkedName: UnlinkedName?
  package private(set) var contents: FileContents?
  /// Made with the first lock, gone with the last: they hold the vnode, not the other way round, so that it can leave
  /// when it is not locked any more.
  package weak var locks: FileLocks?
  /// Rights by the security that a call used; the rights of anonymous callers are part of every status.
  private var rights: [RxClientSecurityReference: AccessRights] = [:]
  /// Who was refused even the status, and until when that is believed.
  private var refusals: [RxClientSecurityReference: MonotonicTime] = [:]

  package init() {}

  /// A reply about the vnode: what the server said, and what was true of us before we asked.
  package struct Reply: Sendable {
    package var status: FileStatus
    package var promise: CallbackPromise?
    package var before: BreakSnapshot
    package var server: Fileserver
    package var security: RxClientSecurityReference

    package init(
      status: FileStatus, promise: CallbackPromise?, before: BreakSnapshot, server: Fileserver,
      security: RxClientSecurityReference
    ) {
      self.status = status
      self.promise = promise
      self.before = before
      self.server = server
      self.security = security
    }
  }

  /// What became of a status.
  package enum OnFetched: Hashable, Sendable {
    /// It stands for as long as the promise holds.
    case trusted
    /// No promise stands behind it, or a break crossed the call: good for the one operation which asked.
    case usedOnce
    /// A change of our own crossed the call: it may be older than what is known, and is not kept.
    case crossed
  }

  /// Takes the reply of a call which did not change the vnode.
  package mutating func fetched(_ reply: Reply, volumeBreaks: UInt64, serverBreaks: UInt64) -> OnFetched {
    let now = BreakSnapshot(
      vnodeBreaks: breaks, volumeBreaks: volumeBreaks, serverBreaks: serverBreaks, changes: changes)
    guard reply.before.changes == changes, changesInFlight == 0 else {
      if status == nil { status = reply.status }
      return .crossed
    }
    adopt(reply)
    guard reply.before == now, reply.promise != nil else {
      promise = nil
      return .usedOnce
    }
    promise = reply.promise
    return .trusted
  }

  private mutating func adopt(_ reply: Reply) {
    if let status, status.dataVersion != reply.status.dataVersion {
      linkText = nil
      if directory?.dataVersion != reply.status.dataVersion { directory = nil }
    }
    if status?.anonymousAccess != reply.status.anonymousAccess { rights.removeAll() }
    status = reply.status
    isRemoved = false
    refusals.removeAll()
    setRights(reply.status.callerAccess, for: reply.security)
  }

  // MARK: Our own changes

  package mutating func changeBegins() {
    changes += 1
    changesInFlight += 1
  }

  /// Takes the status that a change of our own left behind. A promise which was not broken meanwhile stays.
  /// - Returns: whether the data version is the one before plus one, that is: nobody else changed the vnode.
  package mutating func changeEnded(_ reply: Reply, volumeBreaks: UInt64, serverBreaks: UInt64) -> Bool {
    changes += 1
    changesInFlight -= 1
    let previous = status?.dataVersion
    // Replies of parallel stores may come in another order than the server worked.
    if let previous, reply.status.dataVersion < previous { return true }
    status = reply.status
    setRights(reply.status.callerAccess, for: reply.security)
    if reply.before.vnodeBreaks != breaks || reply.before.volumeBreaks != volumeBreaks
      || reply.before.serverBreaks != serverBreaks
    {
      promise = nil
    } else if let granted = reply.promise {
      promise = granted
    }
    return previous.map { $0.rawValue &+ 1 == reply.status.dataVersion.rawValue } ?? false
  }

  /// A change was sent and its outcome is unknown, or it failed: `unchanged` when the server surely did nothing.
  package mutating func changeFailed(unchanged: Bool) {
    changes += 1
    changesInFlight -= 1
    if !unchanged { distrust() }
  }

  /// Something of ours changed the vnode's status in a way that no reply shows (a link count): ask again.
  package mutating func distrust() {
    changes += 1
    promise = nil
  }

  package mutating func removed() {
    changes += 1
    promise = nil
    isRemoved = true
  }

  // MARK: Callbacks

  package mutating func callbackBroken() {
    breaks += 1
    promise = nil
  }

  /// The server no longer knows of our promise because we gave it up.
  package mutating func promiseGivenUp() {
    promise = nil
  }

  package func snapshot(volumeBreaks: UInt64, serverBreaks: UInt64) -> BreakSnapshot {
    BreakSnapshot(vnodeBreaks: breaks, volumeBreaks: volumeBreaks, serverBreaks: serverBreaks, changes: changes)
  }

  // MARK: Rights

  package func rights(for security: RxClientSecurityReference) -> AccessRights? {
    if let known = rights[security] { return known }
    return security == .none ? status?.anonymousAccess : nil
  }

  /// Bounded: with many users the table starts anew, which costs each a status call.
  private mutating func setRights(_ value: AccessRights, for security: RxClientSecurityReference) {
    if rights.count >= 64 { rights.removeAll() }
    rights[security] = value
  }

  package func isRefused(for security: RxClientSecurityReference, now: MonotonicTime) -> Bool {
    refusals[security].map { $0 > now } ?? false
  }

  package mutating func refused(for security: RxClientSecurityReference, until end: MonotonicTime) {
    if refusals.count >= 64 { refusals.removeAll() }
    refusals[security] = end
  }

  // MARK: Contents

  package mutating func contents(making make: () -> FileContents) -> FileContents {
    if let contents { return contents }
    let made = make()
    contents = made
    return made
  }

  package mutating func dropContents() {
    contents = nil
  }

  /// Nothing but the vnode holds the contents, and all of them are stored.
  package mutating func contentsAreIdle() -> Bool {
    contents == nil || isKnownUniquelyReferenced(&contents) && contents?.localChange == nil
  }
}

/// The name that a file got when it was unlinked while open.
package struct UnlinkedName: Sendable, Hashable {
  package var directory: FileKey
  package var name: [UInt8]
  package var identity: Identity
}
