import AFSBase
import AFSCredentials
import AFSRPC
import AFSTypes
import Logging
import RxCore
import RxTransport
import Synchronization

/// The client's background duties, and its end.
extension AFSFileSystem {
  /// How often there is a look at what is to be done.
  private static let dutyInterval = Duration.seconds(10)
  /// How long a probed server may be silent.
  private static let probeTime = Duration.seconds(8)
  /// For all of what is stored and given up at the end.
  private static let shutDownTime = Duration.seconds(60)

  /// Gives up callbacks which are not needed, probes servers, removes what a killed daemon has left: until the client is shut down or the task cancelled.
  /// The owner runs it in a task of its own.
  public func run() async {
    await withDiscardingTaskGroup { [self] group in
      group.addTask { [self] in await serve() }
      group.addTask { [self] in await watchTokens() }
      group.addTask { [self] in await removeLeftovers() }
    }
  }

  /// How often tokens are looked at when nobody uses them.
  private static let tokenInterval = Duration.seconds(1)

  private func watchTokens() async {
    while !context.isShutDown {
      do {
        try await context.sleep(
          until: context.now + (context.credentials.isIdle ? Self.dutyInterval : Self.tokenInterval))
      } catch {
        return
      }
      await context.watchCredentials()
    }
  }

  /// Stores what waits for a token of the cell's, when one has come.
  static func storeWaiting(of cell: Cell, _ context: ClientContext) async {
    let waiting = context.vnodes.vnodes { vnode in
      vnode.volume.cell === cell && vnode.withState { $0.contents?.localChange } != nil
    }
    for vnode in waiting {
      guard let contents = vnode.withState({ $0.contents }) else { continue }
      // Whoever writes it has his own error; who has closed it is told by the log.
      do throws(AFSError) {
        try await contents.storeAll(as: .daemon)
      } catch {
        context.log.info("\(vnode.fid) of cell \(cell.name) waits on: \(error)")
      }
    }
  }

  private func serve() async {
    while !context.isShutDown {
      do {
        try await context.sleep(until: context.now + Self.dutyInterval)
      } catch {
        return
      }
      context.forgetWhatIsDue()
      await extendLocks()
      await giveUpCallbacks()
      await probeServers()
    }
  }

  private func extendLocks() async {
    await withDiscardingTaskGroup { [context] group in
      for locks in context.locks.all { group.addTask { await locks.extend() } }
    }
  }

  private func giveUpCallbacks() async {
    while !context.isShutDown, let batch = context.callbackReturns.nextBatch() {
      guard let client = context.client(of: batch.server, deadline: .seconds(10)) else { continue }
      try? await client.giveUpCallBacks(
        fids: batch.fids.map { AFSFid($0) },
        callBacks: batch.fids.map { _ in AFSCallBack(callBackType: AFSCallBackType.dropped.rawValue) })
      // Whoever has met one of these files again meanwhile may have been promised what the server has just dropped.
      for fid in batch.fids { context.callbackBroken(fid) }
    }
  }

  /// All that are due at once: one that is silent does not hold up the others.
  private func probeServers() async {
    await withDiscardingTaskGroup { [context] group in
      for server in context.servers.all where !context.isShutDown {
        for health in server.addresses where health.isProbeDue(now: context.now) {
          group.addTask { await context.probe(server, at: health.address, deadTime: Self.probeTime) }
        }
      }
    }
  }

  // MARK: The end

  public func shutDown() async throws(AFSError) {
    guard context.beginShutDown() else { return }
    let failures = Mutex<[FileKey: AFSError]>([:])
    await bounded(by: Self.shutDownTime) { [self] in
      await storeEverything { key, error in failures.withLock { $0[key] = error } }
      await removeAllHidden()
      await abandonLocks()
    }
    let failure = reportUnstored(failures.withLock { $0 })
    context.endShutDown()
    await giveUpAllCallbacks()
    if let failure { throw failure }
  }

  private func abandonLocks() async {
    await withDiscardingTaskGroup { [context] group in
      for locks in context.locks.all { group.addTask { await locks.abandon() } }
    }
  }

  /// Does what can be done within a time: then it is cancelled.
  private func bounded(by limit: Duration, _ work: @escaping @Sendable () async -> Void) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await work() }
      group.addTask { [context] in try? await context.sleep(until: context.now + limit) }
      await group.next()
      group.cancelAll()
    }
  }

  private var filesToStore: [Vnode] {
    context.vnodes.vnodes { vnode in vnode.withState { $0.contents }?.localChange != nil }
  }

  /// Files of one volume that are stored at a time: a fileserver is fastest with a few.
  private static let storesPerVolume = 4

  /// Stores all files: those of one volume do not wait for another's server.
  private func storeEverything(failed: @escaping @Sendable (FileKey, AFSError) -> Void) async {
    let volumes = Dictionary(grouping: filesToStore) { ObjectIdentifier($0.volume) }
    await withDiscardingTaskGroup { group in
      for files in volumes.values {
        for lane in 0..<min(Self.storesPerVolume, files.count) {
          group.addTask {
            for index in stride(from: lane, to: files.count, by: Self.storesPerVolume) where !Task.isCancelled {
              guard let contents = files[index].withState({ $0.contents }) else { continue }
              do throws(AFSError) {
                try await contents.storeAll(as: .daemon)
              } catch {
                if error != .interrupted { failed(files[index].key, error) }
              }
            }
          }
        }
      }
    }
  }

  /// Names each file whose changes the server does not have, whether its store failed, was cut off, or never began, and
  /// keeps a copy of it.
  /// - Returns: what went wrong with the first of them.
  private func reportUnstored(_ failures: [FileKey: AFSError]) -> AFSError? {
    var first: AFSError?
    for vnode in filesToStore {
      let error = failures[vnode.key] ?? .timedOut
      first = first ?? error
      context.log.error("\(context.displayPath(of: vnode)) could not be stored (\(error)): \(keepCopy(of: vnode))")
    }
    return first
  }

  /// - Returns: what became of the changes, in words.
  private func keepCopy(of vnode: Vnode) -> String {
    guard let contents = vnode.withState({ $0.contents }) else { return "its changes are lost" }
    let name = context.parentAndName(of: vnode)?.1 ?? "file"
    do {
      let copy = try context.unstoredCopies.keep(contents, name: name, now: context.timer.wallTime)
      let absent = copy.absentByteCount
      return "a copy with its changes is \(copy.path)"
        + (absent == 0 ? "" : "; \(absent) bytes that were not changed were not here, and are zeros in it")
    } catch {
      return "its changes are lost, for no copy can be made in \(context.unstoredCopies.folder): \(error)"
    }
  }

  /// Sees what has changed about tokens, without waiting for somebody to use them.
  package func lookForTokens() async { await context.watchCredentials() }

  /// Cells in which changes wait for a token.
  package var cellsAwaitingTokens: [String] { context.cellsAwaitingTokens }

  private func removeAllHidden() async {
    for vnode in context.vnodes.vnodes(where: { vnode in vnode.withState { $0.unlinkedName != nil } }) {
      if Task.isCancelled { return }
      let unlinked = vnode.withState { state -> UnlinkedName? in
        defer { state.unlinkedName = nil }
        return state.unlinkedName
      }
      if let unlinked { await removeHidden(unlinked, vnode) }
    }
  }

  /// Tells every server that has met us, all at once: it then needs not find out by calling us in vain.
  private func giveUpAllCallbacks() async {
    await withDiscardingTaskGroup { group in
      for server in context.servers.all where server.capabilities != nil && !server.isDown {
        guard let client = context.client(of: server, deadline: .seconds(3)) else { continue }
        group.addTask { try? await client.giveUpAllCallBacks() }
      }
    }
  }
}

extension ClientContext {
  /// For calls which are about the server, not about a volume.
  func client(of server: Fileserver, deadline: Duration) -> RXAFSClient? {
    let addresses = server.addresses
    guard let address = (addresses.first { !$0.isDown } ?? addresses.first)?.address else { return nil }
    let options = RxCallOptions(deadline: deadline, deadTime: deadline)
    return RXAFSClient(caller: caller, peer: address, options: options)
  }
}
