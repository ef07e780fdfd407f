public import AFSBase
public import AFSTypes
public import RxCore
public import RxTransport
import Synchronization

/// A cell in memory: fileservers, a volume location service and a protection service, for tests and for `afsmock`.
///
/// It does what real servers do, and by its fault plan what they won't do on demand. Its services are registered
/// with transports (or simulated hosts); callbacks go out through the `RxCaller` that belongs to each server.
public final class MockCell: Sendable {
  let state: Mutex<MockCellState>
  let timer: any RxTimer
  /// How the servers reach clients' callback services; one for each server.
  let callers: Mutex<[any RxCaller]> = Mutex([])

  public init(name: CellName, seed: UInt64, timer: any RxTimer) {
    state = Mutex(MockCellState(name: name, seed: seed))
    self.timer = timer
  }

  /// Adds a fileserver.
  /// - Parameters:
  ///   - addresses: where clients reach the file service (IPv4).
  ///   - caller: what callbacks to clients are sent through; must be the endpoint that serves the file service.
  /// - Returns: the server's number, from 0.
  @discardableResult
  public func addServer(addresses: [RxAddress], caller: any RxCaller) -> Int {
    callers.withLock { $0.append(caller) }
    return state.withLock { state in
      let uuid = AFSUUID(using: &state.generator)
      state.servers.append(.init(uuid: uuid, addresses: addresses))
      return state.servers.count - 1
    }
  }

  /// What one fileserver serves, at port 7000 of its addresses.
  public func fileServices(ofServer number: Int) -> [any RxService] {
    [fileService(ofServer: number)]
  }

  /// What the cell's database servers serve: volume location (port 7003) and protection (port 7002).
  public func databaseServices() -> [any RxService] {
    [volumeLocationService(), protectionService()]
  }

  var wallTime: WallTime {
    let offset = state.withLock { $0.clockOffset }
    return WallTime(
      seconds: timer.wallTime.seconds + offset.components.seconds, nanoseconds: timer.wallTime.nanoseconds)
  }

  // MARK: What tests watch

  public var callCounts: [String: Int] { state.withLock { $0.calls } }

  /// Bytes of files' data that servers have sent, directories aside.
  public var bytesFetched: UInt64 { state.withLock { $0.bytesFetched } }

  public func callbackCount(atServer number: Int) -> Int {
    state.withLock { $0.servers[number].callbacks.count }
  }

  public func uuid(ofServer number: Int) -> AFSUUID { state.withLock { $0.servers[number].uuid } }

  // MARK: Faults

  public func addFault(_ rule: FaultPlan.Rule) {
    state.withLock { $0.faults.add(rule) }
  }

  public func clearFaults() {
    state.withLock { state in
      state.faults.clear()
      state.authenticationFaults = []
    }
  }

  /// A server that is down answers nothing: its calls hang until it is up again or their client gives up.
  public func setDown(_ isDown: Bool, server number: Int) {
    state.withLock { $0.servers[number].isDown = isDown }
  }

  /// Every call for the volume at this server gets `code` (VBUSY, VOFFLINE, VMOVED ...); nil ends it.
  public func setTrouble(_ code: AbortCode?, volume: VolumeID, server number: Int) {
    state.withLock { $0.servers[number].volumeTrouble[volume] = code }
  }

  /// The servers' clocks jump.
  public func advanceClock(by duration: Duration) {
    state.withLock { $0.clockOffset += duration }
  }

  public func setCallbackLifetime(_ duration: Duration) {
    state.withLock { $0.callbackLifetime = duration }
  }

  /// The server loses all promises and clients, and tells nobody.
  public func forgetCallbacksSilently(server number: Int) {
    state.withLock { $0.servers[number].callbacks.forgetSilently() }
  }
}
