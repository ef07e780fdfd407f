public import AFSBase
public import RxCore

/// An endpoint on a simulated network and what drives it.
public final class SimulatedHost {
  public let address: RxAddress
  public var endpoint: RxEndpoint
  public let behaviour: any SimulatedBehaviour

  init(address: RxAddress, endpoint: consuming RxEndpoint, behaviour: any SimulatedBehaviour) {
    self.address = address
    self.endpoint = endpoint
    self.behaviour = behaviour
  }
}

/// What a host's owner does about the events of its endpoint.
public protocol SimulatedBehaviour: AnyObject {
  func received(_ event: RxEvent, on endpoint: inout RxEndpoint, now: MonotonicTime)
}
