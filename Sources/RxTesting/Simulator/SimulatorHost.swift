import AFSBase
public import RxCore
public import RxTransport
import Synchronization

/// A host of a simulation: one Rx endpoint at one address, with services, which makes calls.
public final class SimulatorHost: RxCaller, RxSecurityRegistry {
  /// What the simulator holds of a host; it does not hold the simulator.
  final class State {
    let name: String
    let address: RxAddress
    var driver: RxEndpointDriver
    var services: [any RxService] = []
    var securities: [RxClientSecurityReference: any RxClientSecurity] = [:]
    var serverSecurities: [(security: any RxServerSecurity, service: ServiceID)] = []
    var configuration: RxEndpointConfiguration
    /// Whether the host is switched off: it neither sends nor hears.
    var isDown = false

    init(
      _ name: String, at address: RxAddress, driver: RxEndpointDriver, configuration: RxEndpointConfiguration
    ) {
      self.name = name
      self.address = address
      self.driver = driver
      self.configuration = configuration
    }
  }

  public let name: String
  public let address: RxAddress
  private let simulator: Simulator
  let state: LoopBound<State>
  private let securityCount = Atomic<UInt32>(0)

  init(of simulator: Simulator, _ state: State) {
    name = state.name
    address = state.address
    self.simulator = simulator
    self.state = LoopBound(state)
  }

  /// The host as something that makes calls: itself.
  public var caller: any RxCaller { self }

  /// This host as the target of calls to `service`.
  public func target(_ service: ServiceID) -> RxTarget { RxTarget(peer: address, service: service) }

  public func register(_ service: any RxService) {
    simulator.perform { [state] in
      state.value.services.append(service)
      state.value.driver.register(service)
    }
  }

  public func register(_ security: any RxClientSecurity) -> RxClientSecurityReference {
    let number = securityCount.wrappingAdd(1, ordering: .relaxed).newValue
    let reference = RxClientSecurityReference(rawValue: number)
    simulator.perform { [state] in
      state.value.securities[reference] = security
      state.value.driver.register(security, as: reference)
    }
    return reference
  }

  public func replace(_ reference: RxClientSecurityReference, with security: any RxClientSecurity) {
    simulator.perform { [state] in
      state.value.securities[reference] = security
      state.value.driver.replace(reference, with: security)
    }
  }

  public func unregister(_ reference: RxClientSecurityReference) {
    simulator.perform { [state] in
      state.value.securities[reference] = nil
      state.value.driver.unregister(reference)
    }
  }

  /// Calls to `service` may come protected by `security`.
  public func register(_ security: any RxServerSecurity, for service: ServiceID) {
    simulator.perform { [state] in
      state.value.serverSecurities.append((security, service))
      state.value.driver.register(security, for: service)
    }
  }

  /// Ends the host's calls without a word to their peers, and starts it anew with the same services.
  public func restart() {
    simulator.perform { [simulator, state] in
      let old = state.value.driver
      old.shutDown()
      state.value.driver = simulator.makeDriver(state.value.configuration)
      for service in state.value.services { state.value.driver.register(service) }
      for (reference, security) in state.value.securities { state.value.driver.register(security, as: reference) }
      for (security, service) in state.value.serverSecurities { state.value.driver.register(security, for: service) }
    }
  }

  /// Switches the host off or on: what is sent to it is lost, and what it sends too.
  public func setDown(_ isDown: Bool) {
    simulator.perform { [state] in state.value.isDown = isDown }
  }

  /// Ends all calls with `.shutDown`, with a word to their peers.
  public func shutDown() {
    simulator.perform { [state] in state.value.driver.shutDown() }
  }

  public func startCall(to target: RxTarget, options: RxCallOptions) async throws(RxCallError) -> any RxStream {
    try await calls.startCall(to: target, options: options)
  }

  public func roundTrip(
    _ request: [UInt8], to target: RxTarget, options: RxCallOptions, replyMax: Int
  ) async throws(RxCallError) -> [UInt8] {
    try await calls.roundTrip(request, to: target, options: options, replyMax: replyMax)
  }

  private var calls: DriverCaller {
    precondition(simulator.isCurrent, "\(name) was used outside of the simulation")
    return DriverCaller(loop: simulator, driver: LoopBound(state.value.driver))
  }
}
