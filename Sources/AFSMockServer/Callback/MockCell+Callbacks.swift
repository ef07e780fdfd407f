import AFSRPC
public import AFSTypes
import RxCore
import RxTransport
import Synchronization

extension MockCell {
  /// How long a server waits for a client's callback service (fileservers give a host 50 s; tests have less patience).
  static let callbackOptions = RxCallOptions(deadline: .seconds(10), deadTime: .seconds(10))

  /// Breaks every promise for these files now, at all servers.
  public func breakCallbacks(_ fids: [FID]) async {
    for server in 0..<state.withLock({ $0.servers.count }) {
      await breakPromises(for: fids, server: server, except: nil)
    }
  }

  /// Tells every client with a promise in the volume that all of it may have changed (vnode and unique 0).
  public func breakVolume(_ id: VolumeID, server: Int) async {
    let now = timer.now
    let hosts = state.withLock { $0.servers[server].callbacks.breakVolume(id, now: now) }
    for host in hosts {
      await send([AFSFid(volume: UInt32(id.rawValue), vnode: 0, unique: 0)], to: host, server: server)
    }
  }

  /// Tells every client it knows that the server has forgotten all promises, and forgets them.
  public func initializeCallbackState(server: Int) async {
    let (hosts, uuid) = state.withLock { state in
      let hosts = Array(state.servers[server].callbacks.known.keys)
      state.servers[server].callbacks.forgetSilently()
      return (hosts, state.servers[server].uuid)
    }
    for host in hosts {
      try? await callbackClient(for: host, server: server).initCallBackState3(serverUUID: uuid)
    }
  }

  /// The writer's reply waits for this: who is told that his change is done may rely on others knowing.
  func breakPromises(for fids: [FID], server: Int, except writer: CallbackRegistry.Host?) async {
    let now = timer.now
    var pending: [CallbackRegistry.Host: [AFSFid]] = [:]
    state.withLock { state in
      for fid in fids {
        for host in state.servers[server].callbacks.breakPromises(for: fid, except: writer, now: now) {
          pending[host, default: []].append(AFSFid(fid))
        }
      }
    }
    for (host, broken) in pending.sorted(by: { $0.key.address.description < $1.key.address.description }) {
      await send(broken, to: host, server: server)
    }
  }

  private func send(_ fids: [AFSFid], to host: CallbackRegistry.Host, server: Int) async {
    let client = callbackClient(for: host, server: server)
    var rest = fids[...]
    while !rest.isEmpty {
      try? await client.callBack(fids: Array(rest.prefix(CommonConstants.bulkMax)), callBacks: [])
      rest = rest.dropFirst(CommonConstants.bulkMax)
    }
  }

  func callbackClient(for host: CallbackRegistry.Host, server: Int) -> RXAFSCBClient {
    let caller = callers.withLock { $0[server] }
    return RXAFSCBClient(caller: caller, peer: host.address, options: Self.callbackOptions)
  }

  /// First contact: as a fileserver does, ask the client who it is, then tell it that the server holds no promise.
  /// A client which does not answer is refused.
  func greet(_ host: CallbackRegistry.Host, server: Int) async throws(AbortCode) {
    let (isKnown, ownUUID) = state.withLock {
      ($0.servers[server].callbacks.known[host] != nil, $0.servers[server].uuid)
    }
    if isKnown { return }
    let client = callbackClient(for: host, server: server)
    do {
      let about = try await client.tellMeAboutYourself()
      try await client.initCallBackState3(serverUUID: ownUUID)
      state.withLock { $0.servers[server].callbacks.met(host, uuid: about.address.uuid) }
    } catch {
      throw .vBusy
    }
  }
}
