import AFSBase
import AFSCredentials
import AFSRPC
import AFSTypes
import Logging
import RxCore

/// How long a fileserver may show no sign of life.
private enum DeadTime {
  /// Rx's own default (OpenAFS src/rx/rx.c, rx_connDeadTime).
  static let ordinary = Duration.seconds(12)
  /// For a server that did not answer the last time: users wait for each of their operations.
  static let down = Duration.seconds(4)
  /// For calls which carry what only we have: as cache managers wait (OpenAFS src/afs/afs.h, AFS_RXDEADTIME).
  static let storing = Duration.seconds(50)
}

/// The loop around every fileserver call: which server, which address, what to do about its answer.
extension ClientContext {
  /// Makes `call` at a server of `volume`, and again elsewhere or later as long as that can help.
  /// - Parameters:
  ///   - repeatable: whether doing it twice gives the same as doing it once.
  ///   - isBulk: it moves data, so that the time which it takes says nothing of the server's distance.
  ///   - isStore: it carries data that users believe to be written, and so has patience.
  ///   - changes: it changes something, and so does not go out as anybody's when its user's token has ended.
  func perform<R: Sendable>(
    on volume: Volume, as identity: Identity, repeatable: Bool = true, storing isStore: Bool = false,
    isBulk: Bool = false, changing changes: Bool = false, _ call: (ServerAttempt) async throws(RxCallError) -> R
  ) async throws(AFSError) -> R {
    if isShutDown { throw .shutDown }
    let security = try await currentSecurity(for: identity, in: volume.cell)
    if isStore || changes || !repeatable, let obstacle = security.obstacle(toStore: isStore) {
      if isStore { noteHeldBack(of: identity, in: volume.cell) }
      throw obstacle
    }
    do {
      return try await rotate(
        on: volume, as: identity, security.reference, repeatable: repeatable, storing: isStore, isBulk: isBulk, call)
    } catch .accessDenied {
      throw refusal(of: identity, in: volume.cell)
    } catch {
      throw error
    }
  }

  private func rotate<R: Sendable>(
    on volume: Volume, as identity: Identity, _ security: RxClientSecurityReference, repeatable: Bool,
    storing isStore: Bool, isBulk: Bool, _ call: (ServerAttempt) async throws(RxCallError) -> R
  ) async throws(AFSError) -> R {
    var security = security
    var mayAskForToken = true
    if !volume.hasCurrentLocation(now: now) { await renewLocation(of: volume) }
    var sites = volume.candidates
    var rotation = FileserverRotation(
      servers: sites.map(FileserverRotation.Server.init), preferred: volume.preferredSite(among: sites),
      isRepeatable: repeatable, limits: isStore ? .forStores : .init())
    var outcome: RxCallError?
    while true {
      switch rotation.next(after: outcome, now: now) {
      case .use(let index, let address):
        let server = sites[index].server
        do {
          try await makeContact(with: server, at: address)
          return try await attempt(
            at: server, address, volume, as: identity, &security, mayAskForToken: &mayAskForToken, storing: isStore,
            isBulk: isBulk, call)
        } catch {
          if error == .cancelled { throw .interrupted }
          if error == .shutDown { throw .shutDown }
          // Never on as somebody else: what the call may do must be what its user may.
          if security != .none, error.isTokenTrouble {
            throw isStore ? .tokenExpired : refusal(of: identity, in: volume.cell)
          }
          noteFailure(error, of: server, at: address)
          outcome = error
        }
      case .sleep(let deadline):
        try await sleep(until: deadline)
        outcome = nil
      case .refreshVolume:
        try await locateAgain(volume)
        sites = volume.candidates
        rotation.refreshed(
          servers: sites.map(FileserverRotation.Server.init), preferred: volume.preferredSite(among: sites))
        outcome = nil
      case .fail(let error):
        throw error
      }
    }
  }

  /// Not every operation waits for location servers that are away: the old location does for another minute.
  private func renewLocation(of volume: Volume) async {
    do {
      try await refreshLocation(of: volume)
    } catch {
      volume.setLocation(volume.location, until: now + .seconds(60))
    }
  }

  /// Where the location servers don't answer, the old location must do.
  private func locateAgain(_ volume: Volume) async throws(AFSError) {
    do {
      try await refreshLocation(of: volume)
    } catch .interrupted {
      throw .interrupted
    } catch .noSuchVolume {
      throw .noSuchVolume
    } catch {
      log.info("volume \(volume.id) of cell \(volume.cell.name) can't be located again: \(error)")
    }
  }

  /// A try, and when the server does not take the user's token, another with the next one.
  private func attempt<R: Sendable>(
    at server: Fileserver, _ address: RxAddress, _ volume: Volume, as identity: Identity,
    _ security: inout RxClientSecurityReference, mayAskForToken: inout Bool, storing isStore: Bool,
    isBulk: Bool,
    _ call: (ServerAttempt) async throws(RxCallError) -> R
  ) async throws(RxCallError) -> R {
    do {
      return try await attempt(at: server, address, security, storing: isStore, isBulk: isBulk, call)
    } catch {
      guard security != .none, mayAskForToken, error.isTokenTrouble else { throw error }
      mayAskForToken = false
      let next: RxClientSecurityReference?
      do throws(AFSError) {
        next = try await securityInstead(of: security, error, for: identity, in: volume.cell)
      } catch {
        throw .cancelled
      }
      guard let next else { throw error }
      security = next
    }
    return try await attempt(at: server, address, security, storing: isStore, isBulk: isBulk, call)
  }

  private func attempt<R: Sendable>(
    at server: Fileserver, _ address: RxAddress, _ security: RxClientSecurityReference, storing isStore: Bool,
    isBulk: Bool, _ call: (ServerAttempt) async throws(RxCallError) -> R
  ) async throws(RxCallError) -> R {
    let options = RxCallOptions(deadTime: isStore ? DeadTime.storing : DeadTime.ordinary)
    let client = RXAFSClient(caller: caller, peer: address, security: security, options: options)
    let started = now
    server.callBegins()
    defer { server.callEnded() }
    do {
      let result = try await call(ServerAttempt(server: server, client: client, started: started))
      server.answered(at: address, after: isBulk ? nil : now - started, now: now)
      return result
    } catch .aborted(let code) {
      // An abort is an answer too.
      server.answered(at: address, after: isBulk ? nil : now - started, now: now)
      throw .aborted(code)
    } catch {
      throw error
    }
  }

  /// Sees to it that a server which we don't know to be alive answers a small call first.
  ///
  /// The first contact asks for its capabilities: it introduces us, so that what the server does at the first sight of
  /// a client (InitCallBackState3) can't cross the fetch of a status.
  private func makeContact(with server: Fileserver, at address: RxAddress) async throws(RxCallError) {
    if server.capabilities != nil, !server.isDown(at: address) { return }
    let asked = now
    guard await server.contactLock.acquire() else { throw .cancelled }
    defer { server.contactLock.release() }
    if let health = server.health(at: address), let tried = health.lastTried, tried > asked {
      // Somebody else has found out while this operation waited.
      if health.isDown { throw .timedOut(.dead) }
      if server.capabilities != nil { return }
    }
    let deadTime = server.isDown(at: address) ? DeadTime.down : DeadTime.ordinary
    if server.capabilities != nil {
      if let error = await probe(server, at: address, deadTime: deadTime) { throw error }
      return
    }
    let client = RXAFSClient(caller: caller, peer: address, options: RxCallOptions(deadTime: deadTime))
    let started = now
    do {
      server.capabilities = try await client.getCapabilities().first ?? 0
    } catch .aborted {
      // Servers older than the call; whoever can refuse has met us.
      server.capabilities = 0
    } catch {
      throw error
    }
    server.answered(at: address, after: now - started, now: now)
  }

  /// Finds out whether a server answers at an address, and notes it.
  /// - Returns: why it is taken to be down; nil when it has answered.
  @discardableResult
  func probe(_ server: Fileserver, at address: RxAddress, deadTime: Duration) async -> RxCallError? {
    let options = RxCallOptions(deadline: deadTime, deadTime: deadTime)
    let client = RXAFSClient(caller: caller, peer: address, options: options)
    let wasDown = server.isDown(at: address)
    let started = now
    do {
      _ = try await client.getTime()
    } catch .aborted {
      // An abort is an answer too.
    } catch .cancelled {
      return .cancelled
    } catch .shutDown {
      return .shutDown
    } catch .timedOut {
      // A server that answers pings but not this question is as good as none.
      noteSilence(.timedOut(.dead), refused: false, of: server, at: address)
      return .timedOut(.dead)
    } catch {
      noteFailure(error, of: server, at: address)
      return error
    }
    server.answered(at: address, after: now - started, now: now)
    if wasDown { log.notice("fileserver \(address) is back") }
    return nil
  }

  private func noteFailure(_ error: RxCallError, of server: Fileserver, at address: RxAddress) {
    switch error {
    case .timedOut(.idle), .timedOut(.hard):
      // It answers pings: one stuck file does not make a server dead.
      log.notice("fileserver \(address) makes no progress: \(error)")
    case .timedOut(.dead): noteSilence(error, refused: false, of: server, at: address)
    case .unreachable: noteSilence(error, refused: true, of: server, at: address)
    case .malformedReply(let text), .protocolViolation(let text), .misuse(let text):
      log.warning("fileserver \(address): \(text)")
    case .security(let text):
      log.notice("fileserver \(address): \(text)")
    case .aborted, .abortedLocally, .cancelled, .tooManyCalls, .shutDown: break
    }
  }

  private func noteSilence(_ error: RxCallError, refused: Bool, of server: Fileserver, at address: RxAddress) {
    if !server.isDown(at: address) { log.notice("fileserver \(address) does not answer: \(error)") }
    server.failedToAnswer(at: address, refused: refused, now: now)
  }
}

extension FileserverRotation.Server {
  init(_ candidate: VolumeLocation.Candidate) {
    self.init(addresses: candidate.server.addresses, isOutdated: candidate.isOutdated)
  }
}

extension Volume {
  /// The servers to choose from.
  fileprivate var candidates: [VolumeLocation.Candidate] { location.candidates(for: kind) }

  /// The server which holds a promise for the whole volume.
  fileprivate func preferredSite(among sites: [VolumeLocation.Candidate]) -> Int? {
    promisingServer.flatMap { server in sites.firstIndex { $0.server === server } }
  }
}
