import AFSBase
import AFSCredentials
import AFSRPC
import AFSTypes
import Logging
import RxCore

/// Time limits of calls to fileservers.
private enum CallTimes {
  /// How long a server may show no sign of life (Rx's own default, OpenAFS src/rx/rx.c, rx_connDeadTime).
  static let dead = Duration.seconds(12)
  /// The same for a server that did not answer before: users wait for each of their operations.
  static let deadWhenDown = Duration.seconds(4)
  /// For calls which carry what only we have: as cache managers wait (OpenAFS src/afs/afs.h, AFS_RXDEADTIME).
  static let deadWhenStoring = Duration.seconds(50)
  /// For so long after an attempt at servers which are all down nobody tries again.
  static let downBelief = Duration.seconds(5)
}

/// The loop around every fileserver call: which server, which address, what to do about its answer.
extension ClientContext {
  /// Makes `call` at a server of `volume`, and again elsewhere or later as long as that can help.
  func perform<R: Sendable>(
    on volume: Volume, as identity: Identity, storing isStore: Bool = false,
    _ call: (ServerAttempt) async throws(RxCallError) -> R
  ) async throws(AFSError) -> R {
    if isShutDown { throw .shutDown }
    if !volume.hasCurrentLocation(now: now) { try? await refreshLocation(of: volume) }
    var servers = volume.location.servers(for: volume.kind)
    let now = now
    if !isStore, !servers.isEmpty, servers.allSatisfy({ $0.isDown(triedWithin: CallTimes.downBelief, now: now) }) {
      throw .timedOut
    }
    var rotation = FileserverRotation(servers: servers.map(FileserverRotation.Server.init))
    var outcome: RxCallError?
    while true {
      switch rotation.next(after: outcome, now: self.now) {
      case .use(let index, let address):
        let server = servers[index]
        do {
          try await makeContact(with: server, at: address)
          return try await attempt(at: server, address, as: identity, storing: isStore, call)
        } catch {
          if error == .cancelled { throw .interrupted }
          if error == .shutDown { throw .shutDown }
          noteFailure(error, of: server, at: address)
          outcome = error
        }
      case .sleep(let deadline):
        try await sleep(until: deadline)
        outcome = nil
      case .refreshVolume:
        do {
          try await refreshLocation(of: volume)
          servers = volume.location.servers(for: volume.kind)
          rotation.refreshed(servers: servers.map(FileserverRotation.Server.init))
        } catch .interrupted {
          throw .interrupted
        } catch .noSuchVolume {
          throw .noSuchVolume
        } catch {
          // Nothing new is known: the servers are not tried again.
          log.info("volume \(volume.id) of cell \(volume.cell.name) can't be located again: \(error)")
        }
        outcome = nil
      case .fail(let error):
        throw error
      }
    }
  }

  private func attempt<R: Sendable>(
    at server: Fileserver, _ address: RxAddress, as identity: Identity, storing isStore: Bool,
    _ call: (ServerAttempt) async throws(RxCallError) -> R
  ) async throws(RxCallError) -> R {
    let deadTime = server.isDown ? CallTimes.deadWhenDown : CallTimes.dead
    let options = RxCallOptions(deadTime: isStore ? CallTimes.deadWhenStoring : deadTime)
    let client = RXAFSClient(caller: caller, peer: address, security: security(for: identity), options: options)
    let started = now
    server.callBegins()
    defer { server.callEnded() }
    do {
      let result = try await call(ServerAttempt(server: server, client: client, started: started))
      server.answered(at: address, after: now - started, now: now)
      return result
    } catch .aborted(let code) {
      // An abort is an answer too.
      server.answered(at: address, after: now - started, now: now)
      throw .aborted(code)
    } catch {
      throw error
    }
  }

  /// Asks a server for its capabilities before anything else: it introduces us, so that what the server does at the
  /// first sight of a client (InitCallBackState3) can't cross the fetch of a status.
  private func makeContact(with server: Fileserver, at address: RxAddress) async throws(RxCallError) {
    guard server.capabilities == nil else { return }
    guard await server.contactLock.acquire() else { throw .cancelled }
    defer { server.contactLock.release() }
    guard server.capabilities == nil else { return }
    let client = RXAFSClient(caller: caller, peer: address, options: RxCallOptions(deadTime: CallTimes.dead))
    do {
      server.capabilities = try await client.getCapabilities().first ?? 0
    } catch .aborted {
      // Servers older than the call; whoever can refuse has met us.
      server.capabilities = 0
    } catch {
      throw error
    }
  }

  private func noteFailure(_ error: RxCallError, of server: Fileserver, at address: RxAddress) {
    switch error {
    case .timedOut, .unreachable:
      let wasDown = server.isDown
      server.failedToAnswer(at: address, now: now)
      if !wasDown { log.notice("fileserver \(address) does not answer: \(error)") }
    case .malformedReply(let text), .protocolViolation(let text):
      log.warning("fileserver \(address): \(text)")
    case .security(let text):
      log.notice("fileserver \(address): \(text)")
    case .aborted, .abortedLocally, .cancelled, .shutDown: break
    }
  }
}

extension FileserverRotation.Server {
  init(_ server: Fileserver) {
    self.init(
      addresses: server.addresses.map { state in
        Address(state.address, isDown: state.downSince != nil, roundTrip: state.roundTrip)
      })
  }
}
