public import AFSBase
public import RxCore

/// An endpoint on a simulated network and what drives it.
public final class SimulatedHost {
  public let address: RxAddress
  public var endpoint: RxEndpoint
  public let behaviour: any SimulatedBehaviour
  /// How far the host's clock is ahead of the network's.
  public private(set) var clockOffset: Duration = .zero
  /// The host's process does not run before then.
  public private(set) var frozenUntil = MonotonicTime.zero
  /// It has been frozen and not run since: what it was about to do waits, whatever its timers say.
  private var isStopped = false
  /// What arrived meanwhile.
  private var backlog: [(bytes: [UInt8], source: RxAddress)] = []
  /// Datagrams that its socket keeps: about 200 kB of them, as Linux's default receive buffer.
  private static let backlogMax = 140

  init(address: RxAddress, endpoint: consuming RxEndpoint, behaviour: any SimulatedBehaviour) {
    self.address = address
    self.endpoint = endpoint
    self.behaviour = behaviour
  }

  /// The host's clock when the network's says `now`.
  public func time(_ now: MonotonicTime) -> MonotonicTime { now + clockOffset }

  /// The machine slept: its clock goes on from a later time.
  public func leap(_ duration: Duration) { clockOffset += duration }

  public func freeze(until time: MonotonicTime) {
    frozenUntil = max(frozenUntil, time)
    isStopped = true
  }

  func isFrozen(_ now: MonotonicTime) -> Bool { frozenUntil > now }

  /// When the host wants to run next, on the network's clock.
  var nextTurn: MonotonicTime? {
    var first = endpoint.nextTimeout
    if let wake = behaviour.nextWake, first == nil || wake < first! { first = wake }
    if let time = first, time != .distantFuture { first = time - clockOffset }
    if isStopped { first = min(first ?? frozenUntil, frozenUntil) }
    return first.map { max($0, frozenUntil) }
  }

  func receive(_ bytes: [UInt8], from source: RxAddress, now: MonotonicTime) {
    guard !isFrozen(now) else {
      if backlog.count < Self.backlogMax { backlog.append((bytes, source)) }
      return
    }
    bytes.withUnsafeBytes { endpoint.receive($0, from: source, now: time(now)) }
  }

  /// Lets the host's timers run, and what waited in its socket arrive.
  func takeTurn(now: MonotonicTime) {
    guard !isFrozen(now) else { return }
    isStopped = false
    let time = time(now)
    for datagram in backlog {
      datagram.bytes.withUnsafeBytes { endpoint.receive($0, from: datagram.source, now: time) }
    }
    backlog.removeAll(keepingCapacity: true)
    if let timeout = endpoint.nextTimeout, timeout <= time { endpoint.timeout(now: time) }
    if let wake = behaviour.nextWake, wake <= time { behaviour.woke(on: &endpoint, now: time) }
  }

  /// Another process with the same address: nothing is left of the endpoint before.
  public func restart(with other: consuming RxEndpoint) {
    backlog = []
    endpoint = other
  }
}

/// What a host's owner does about the events of its endpoint.
public protocol SimulatedBehaviour: AnyObject {
  func received(_ event: RxEvent, on endpoint: inout RxEndpoint, now: MonotonicTime)

  /// When the owner wants to act of itself next, by the host's clock.
  var nextWake: MonotonicTime? { get }

  /// `nextWake` has passed.
  func woke(on endpoint: inout RxEndpoint, now: MonotonicTime)
}

extension SimulatedBehaviour {
  public var nextWake: MonotonicTime? { nil }
  public func woke(on endpoint: inout RxEndpoint, now: MonotonicTime) {}
}
