import AFSBase
import AFSCredentials
import AFSTypes
import Glibc
import Logging
import Synchronization

/// The locks on one file: between the processes of this host, and by the server's lock between hosts.
///
/// A process's lock is granted when no process here is in the way and we hold the server's lock for it. Before the
/// server's lock is given back, what is changed here is stored. Calls to the server are made one at a time (`gate`), and
/// in tasks of their own: a signal to the process that asks must not end a call of which nobody knows then what it has
/// come to.
///
/// The vnode does not keep it alive: `LockedFiles` does as long as there is a lock, here or at the server, and whoever is
/// at work with it.
package final class FileLocks: Sendable {
  typealias Spawner = FileContentsContext.Spawner

  private struct Guarded {
    var state = FileLockState()
    var waiters: [UInt64: CheckedContinuation<Bool, Never>] = [:]
    var nextWaiter: UInt64 = 0
    /// Grows with each lock that is given back.
    var releases: UInt64 = 0
  }

  let vnode: Vnode
  private let context: ClientContext
  private let spawn: Spawner
  private let gate = AsyncLock()
  private let guarded = Mutex(Guarded())

  /// How often a server is asked again for a lock that another host holds; a break, which it sends when the last reader
  /// or the writer is gone, comes sooner. Ten refusals of a kind make a fileserver hold back the next ones for three
  /// seconds (OpenAFS src/rx/rx.c, rxi_SendCallAbort), so that asking more often would not help.
  private static let pollInterval = Duration.seconds(1)
  private static let breakInterval = Duration.milliseconds(50)
  /// A descriptor's close reaches us after close(2) has returned: its lock may be about to go.
  private static let grace = Duration.milliseconds(10)
  /// AFS_LOCKWAIT (OpenAFS src/fsint/afsint.xg).
  private static let serverTime = Duration.seconds(300)
  /// Long before the end, so that a server which is away for minutes costs no lock.
  private static let extensionInterval = Duration.seconds(100)

  init(vnode: Vnode, context: ClientContext, spawn: @escaping Spawner) {
    self.vnode = vnode
    self.context = context
    self.spawn = spawn
  }

  // MARK: Requests

  func acquire(_ request: LockRequest, as identity: Identity) async throws(AFSError) {
    var hasGrace = !request.waits
    while true {
      let (step, releases) = guarded.withLock { ($0.state.request(request), $0.releases) }
      switch step {
      case .granted: return
      case .lost: throw .system(EIO)
      case .tooMany: throw .system(ENOLCK)
      case .conflict:
        if request.waits {
          try await waitForRelease(after: releases)
        } else {
          guard hasGrace else { throw .wouldBlock }
          hasGrace = false
          try await context.sleep(until: context.now + Self.grace)
        }
      case .needsServer(let lock):
        try await obtain(lock, waiting: request.waits, as: identity)
      }
    }
  }

  /// What is in the way of a lock, on this host or on another; nil when it could be had.
  func obstacle(to request: LockRequest, as identity: Identity) async throws(AFSError) -> HeldLock? {
    let (conflict, server) = guarded.withLock { ($0.state.conflict(with: request), $0.state.server) }
    if let conflict { return conflict }
    let wanted: FileLockState.ServerLock = request.isExclusive ? .exclusive : .shared
    guard server < wanted, !vnode.volume.isReadOnly else { return nil }
    let count = try await context.freshStatus(of: vnode, as: identity).lockCount
    // A reader's lock of our own is among them.
    let others = server == .shared ? count - 1 : count
    guard request.isExclusive ? others != 0 : others < 0 else { return nil }
    return HeldLock(processID: 0, range: 0..<UInt64.max, isExclusive: count < 0)
  }

  /// Gives back what an owner has in a range, and the server's lock if it was the last.
  func release(_ style: LockRequest.Style, owner: UInt64, range: Range<UInt64> = 0..<UInt64.max) async {
    guard let settling = beginRelease(style, owner: owner, range: range) else { return }
    await settling.wait()
  }

  /// The same without waiting for the server; what is given back can be had by others of this host at once.
  func beginRelease(
    _ style: LockRequest.Style, owner: UInt64, range: Range<UInt64> = 0..<UInt64.max
  ) -> Completion? {
    let (hadSome, waiters) = guarded.withLock { guarded in
      let hadSome = guarded.state.release(style, owner: owner, range: range)
      guard hadSome else { return (false, [CheckedContinuation<Bool, Never>]()) }
      guarded.releases += 1
      defer { guarded.waiters.removeAll() }
      return (true, Array(guarded.waiters.values))
    }
    for waiter in waiters { waiter.resume(returning: true) }
    guard hadSome else { return nil }
    return settle()
  }

  /// Gives the server's lock back when nobody needs it. In a task of its own: whoever unlocks may be interrupted.
  private func settle() -> Completion {
    let completion = Completion()
    spawn { [self] in
      await releaseServerLock()
      completion.complete()
    }
    return completion
  }

  private func waitForRelease(after releases: UInt64) async throws(AFSError) {
    let id = guarded.withLock { guarded in
      guarded.nextWaiter += 1
      return guarded.nextWaiter
    }
    let isReleased = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let immediate = guarded.withLock { guarded -> Bool? in
          if Task.isCancelled { return false }
          if guarded.releases != releases { return true }
          guarded.waiters[id] = continuation
          return nil
        }
        if let immediate { continuation.resume(returning: immediate) }
      }
    } onCancel: {
      guarded.withLock { $0.waiters.removeValue(forKey: id) }?.resume(returning: false)
    }
    guard isReleased else { throw .interrupted }
  }

  // MARK: The server's lock

  /// One try to get the server's lock, and a pause when another host has it.
  private func obtain(
    _ wanted: FileLockState.ServerLock, waiting: Bool, as identity: Identity
  ) async throws(AFSError) {
    // A promise makes the server tell when the other host's lock is gone.
    if waiting { _ = try await context.currentStatus(of: vnode, as: identity) }
    let breaks = vnode.breakCount
    do {
      try await gate.lock()
      if guarded.withLock({ $0.state.server >= wanted }) { return gate.release() }
      return try await raise(to: wanted, as: identity)
    } catch .wouldBlock {
      if !waiting { throw .wouldBlock }
    } catch {
      throw error
    }
    let end = context.now + Self.pollInterval
    while context.now < end, vnode.breakCount == breaks {
      try await context.sleep(until: context.now + Self.breakInterval)
    }
  }

  /// Does it in a task of its own, to the end, also when the caller's is cancelled; the lock that arrives then goes if
  /// nobody has use for it. The caller has the gate, and the task gives it back.
  private func raise(to wanted: FileLockState.ServerLock, as identity: Identity) async throws(AFSError) {
    let handover = Handover<Result<Void, AFSError>>()
    spawn { [self] in
      context.locks.add(self)
      let result: Result<Void, AFSError>
      do throws(AFSError) {
        try await raise(from: guarded.withLock { $0.state.server }, to: wanted, as: identity)
        result = .success(())
      } catch {
        result = .failure(error)
      }
      if handover.give(result) { leaveIfIdle() } else { await releaseUnneeded() }
      gate.release()
    }
    guard let result = await handover.take() else { throw .interrupted }
    try result.get()
  }

  private func raise(
    from held: FileLockState.ServerLock, to wanted: FileLockState.ServerLock, as identity: Identity
  ) async throws(AFSError) {
    if vnode.volume.isReadOnly {
      // Servers grant readers' locks there and remember none (OpenAFS src/viced/afsfileprocs.c, SAFSS_SetLock).
      guard wanted == .shared else { throw .readOnly }
      return granted(wanted, to: identity, at: context.now, localOnly: true)
    }
    if held == .shared, !guarded.withLock({ $0.state.isLocalOnly }) { return try await upgrade(as: identity) }
    let started = context.now
    do {
      try await context.setLock(on: vnode, exclusive: wanted == .exclusive, as: identity)
    } catch .accessDenied {
      // Reading needs no lock right, and programs lock what they only read: among themselves, at least.
      guard wanted == .shared else { throw .notPermitted }
      return granted(wanted, to: identity, at: started, localOnly: true)
    } catch {
      throw error
    }
    granted(wanted, to: identity, at: started, localOnly: false)
    // What is read under the lock must be what its last holder left; and by it a loss of the lock is judged.
    _ = try? await context.currentStatus(of: vnode, as: identity)
  }

  private func granted(
    _ lock: FileLockState.ServerLock, to identity: Identity, at time: MonotonicTime, localOnly: Bool
  ) {
    guarded.withLock { $0.state.serverGranted(lock, to: identity, now: time, localOnly: localOnly) }
  }

  /// A reader's lock becomes a writer's: the server can only give back the one and grant the other. Not tried while other
  /// readers are there; whether somebody came in between shows in the file's version.
  private func upgrade(as identity: Identity) async throws(AFSError) {
    let before = try await context.freshStatus(of: vnode, as: identity)
    guard before.lockCount <= 1 else { throw .wouldBlock }
    try await context.releaseLock(on: vnode, as: identity)
    guarded.withLock { $0.state.serverReleased() }
    let started = context.now
    do {
      try await context.setLock(on: vnode, exclusive: true, as: identity)
    } catch {
      try await regain(.shared, version: before.dataVersion, as: identity)
      throw error == .accessDenied ? .notPermitted : error
    }
    granted(.exclusive, to: identity, at: started, localOnly: false)
    try await compare(with: before.dataVersion, as: identity)
  }

  /// Gets a lock that was lost or given up for a moment.
  private func regain(
    _ lock: FileLockState.ServerLock, version: DataVersion, as identity: Identity
  ) async throws(AFSError) {
    let started = context.now
    do {
      try await context.setLock(on: vnode, exclusive: lock == .exclusive, as: identity)
    } catch {
      guarded.withLock { $0.state.serverReleased() }
      lose("\(error)")
      throw error
    }
    granted(lock, to: identity, at: started, localOnly: false)
    try await compare(with: version, as: identity)
  }

  /// - Throws: what the question failed with: then somebody may have changed the file.
  private func compare(with version: DataVersion, as identity: Identity) async throws(AFSError) {
    do {
      let now = try await context.freshStatus(of: vnode, as: identity).dataVersion
      if now != version { lose("another host has changed the file") }
    } catch {
      lose("\(error)")
      throw error
    }
  }

  private func lose(_ reason: String) {
    let hadSome = guarded.withLock { guarded in
      defer { guarded.state.lose() }
      return !guarded.state.isUnlocked
    }
    if hadSome { context.log.error("locks on \(context.displayPath(of: vnode)) are lost: \(reason)") }
  }

  private func releaseServerLock() async {
    guard await gate.acquire() else { return }
    await releaseUnneeded()
    gate.release()
  }

  /// Whoever calls it has the gate.
  private func releaseUnneeded() async {
    defer { leaveIfIdle() }
    let (isNeeded, held) = guarded.withLock { (!$0.state.isUnlocked, $0.state.server) }
    if isNeeded || held == .none { return }
    let identity = guarded.withLock { $0.state.identity }
    // Whoever gets the lock next must see what was written under it. An error is the close's to report.
    if held == .exclusive, let contents = vnode.withState({ $0.contents }) {
      try? await contents.storeAll(as: identity)
    }
    let (releases, isLocalOnly) = guarded.withLock { guarded -> (Bool, Bool) in
      // Somebody of this host may have come meanwhile, and lives by the lock that we have.
      guard guarded.state.isUnlocked else { return (false, false) }
      defer { guarded.state.serverReleased() }
      return (true, guarded.state.isLocalOnly)
    }
    guard releases, !isLocalOnly else { return }
    do {
      try await context.releaseLock(on: vnode, as: identity)
    } catch {
      context.log.info("the lock on \(context.displayPath(of: vnode)) runs out at its server: \(error)")
    }
  }

  /// Without a lock here and at the server there are no duties. Whoever calls it has the gate, so that none can come.
  private func leaveIfIdle() {
    let isIdle = guarded.withLock { $0.state.isUnlocked && $0.state.server == .none }
    if isIdle { context.locks.remove(self) }
  }

  // MARK: Duties

  /// Keeps the server's lock from running out, or gets it anew when it has.
  func extend() async {
    guard await gate.acquire() else { return }
    let completion = Completion()
    spawn { [self] in
      await extendIfDue()
      gate.release()
      completion.complete()
    }
    await completion.wait()
  }

  private func extendIfDue() async {
    let (state, now) = (guarded.withLock { $0.state }, context.now)
    guard state.server != .none, !state.isLocalOnly, now - state.extended >= Self.extensionInterval else { return }
    do throws(AFSError) {
      if now - state.extended < Self.serverTime {
        do throws(AFSError) {
          try await context.extendLock(on: vnode, as: state.identity)
          return guarded.withLock { $0.state.serverExtended(now: now) }
        } catch {
          // The server knows of no lock: it was moved to, restored, or salvaged.
          guard error == .invalidArgument else { throw error }
        }
      }
      try await regain(state.server, version: vnode.lastStatus?.dataVersion ?? DataVersion(0), as: state.identity)
    } catch {
      context.log.notice("the lock on \(context.displayPath(of: vnode)) could not be extended: \(error)")
    }
  }

  /// At the client's end: no lock stays behind at the server, and none that is on its way.
  func abandon() async {
    let waiters = guarded.withLock { guarded in
      defer { guarded.waiters.removeAll() }
      return Array(guarded.waiters.values)
    }
    for waiter in waiters { waiter.resume(returning: false) }
    guard await gate.acquire() else { return }
    defer { gate.release() }
    let state = guarded.withLock { guarded in
      defer { guarded.state = FileLockState() }
      return guarded.state
    }
    context.locks.remove(self)
    guard state.server != .none, !state.isLocalOnly else { return }
    try? await context.releaseLock(on: vnode, as: state.identity)
  }
}

extension Vnode {
  /// Grows with each break of the vnode's promise or its volume's.
  var breakCount: UInt64 { withState { $0.breaks } &+ volume.callbackBreaks }
}
