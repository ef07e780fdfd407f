public import AFSBase
import HeapModule
public import RxCore

/// Endpoints on virtual time, connected by a network that delays, loses, doubles and reorders as its seed decides.
///
/// A run is a function of the seeds alone. Time jumps from event to event; nothing waits.
public final class SimulatedNetwork {
  public private(set) var now: MonotonicTime
  public private(set) var hosts: [SimulatedHost] = []
  /// Conditions of every path without its own.
  public var conditions: NetworkConditions {
    get { model.conditions }
    set { model.conditions = newValue }
  }
  /// Conditions by sender and receiver.
  public var paths: [Path: NetworkConditions] {
    get { model.paths }
    set { model.paths = newValue }
  }
  /// Sees every datagram as it is sent, before the network decides about it.
  public var trace: ((_ datagram: UnsafeRawBufferPointer, _ path: Path, _ now: MonotonicTime) -> Void)?

  public private(set) var datagramsSent = 0
  public private(set) var datagramsLost = 0

  private var model: PathModel
  private var inFlight: Heap<Delivery> = []
  private var sequence = 0
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

  /// From one host to another.
  public struct Path: Hashable, Sendable {
    public var source: RxAddress
    public var destination: RxAddress

    public init(from source: RxAddress, to destination: RxAddress) {
      self.source = source
      self.destination = destination
    }
  }

  private struct Delivery: Comparable {
    var time: MonotonicTime
    /// Breaks ties: first sent, first delivered.
    var sequence: Int
    var path: Path
    var bytes: [UInt8]

    static func < (a: Delivery, b: Delivery) -> Bool { (a.time, a.sequence) < (b.time, b.sequence) }
    static func == (a: Delivery, b: Delivery) -> Bool { a.sequence == b.sequence }
  }

  public init(conditions: NetworkConditions, seed: UInt64, start: MonotonicTime = .zero) {
    model = PathModel(conditions: conditions, seed: seed)
    now = start
  }

  deinit {
    buffer.deallocate()
  }

  @discardableResult
  public func addHost(
    _ address: RxAddress, configuration: RxEndpointConfiguration = RxEndpointConfiguration(), seed: UInt64,
    behaviour: some SimulatedBehaviour
  ) -> SimulatedHost {
    let host = SimulatedHost(
      address: address, endpoint: RxEndpoint(configuration: configuration, seed: seed, now: now), behaviour: behaviour)
    hosts.append(host)
    return host
  }

  // MARK: Running

  /// Lets everything happen that is due now, then moves time to the next event.
  ///
  /// - Parameter limit: where time stops if the next event lies beyond.
  /// - Returns: false when nothing will ever happen again.
  public func step(until limit: MonotonicTime = .distantFuture) -> Bool {
    settle()
    guard let next = nextEventTime else { return false }
    now = max(now, min(next, limit))
    while let first = inFlight.min, first.time <= now {
      deliver(inFlight.removeMin())
    }
    for host in hosts { host.takeTurn(now: now) }
    return true
  }

  /// Runs until `isDone`, or nothing is left to happen, or virtual time or the number of steps exceeds its limit.
  /// - Returns: whether `isDone` holds.
  public func run(limit: Duration, steps: Int = 10_000_000, until isDone: () -> Bool) -> Bool {
    let end = now + limit
    for _ in 0..<steps {
      settle()
      if isDone() { return true }
      guard now < end, step() else { return isDone() }
    }
    return false
  }

  /// Sends a datagram that no endpoint made.
  public func inject(_ bytes: [UInt8], from source: RxAddress, to destination: RxAddress) {
    bytes.withUnsafeBytes { transport($0, Path(from: source, to: destination)) }
  }

  private var nextEventTime: MonotonicTime? {
    var first = inFlight.min?.time
    for host in hosts {
      guard let time = host.nextTurn else { continue }
      if let known = first, known <= time { continue }
      first = time
    }
    return first
  }

  /// Takes output and events from all hosts until there is none.
  private func settle() {
    var isBusy = true
    while isBusy {
      isBusy = false
      for host in hosts where !host.isFrozen(now) {
        let time = host.time(now)
        while let event = host.endpoint.nextEvent() {
          host.behaviour.received(event, on: &host.endpoint, now: time)
          isBusy = true
        }
        while let transmit = host.endpoint.nextTransmit(into: buffer, now: time) {
          send(transmit, from: host.address)
          isBusy = true
        }
      }
    }
  }

  private func send(_ transmit: RxTransmit, from source: RxAddress) {
    let path = Path(from: source, to: transmit.destination)
    var offset = 0
    while offset < transmit.byteCount {
      let end = min(offset + transmit.segmentSize, transmit.byteCount)
      transport(
        UnsafeRawBufferPointer(rebasing: buffer[offset..<end]), path, mayFragment: transmit.mayFragment)
      offset = end
    }
  }

  // MARK: The network

  private func transport(_ datagram: UnsafeRawBufferPointer, _ path: Path, mayFragment: Bool = false) {
    trace?(datagram, path, now)
    datagramsSent += 1
    let fate = model.fate(of: datagram.count, mayFragment: mayFragment, on: path, now: now)
    guard let arrival = fate.arrival else {
      datagramsLost += 1
      return
    }
    var bytes = [UInt8](datagram)
    if let corruption = fate.corruption { bytes[corruption.index] ^= corruption.pattern }
    schedule(bytes, path, arrival)
    if let repetition = fate.repetition { schedule(bytes, path, repetition) }
  }

  private func schedule(_ bytes: [UInt8], _ path: Path, _ time: MonotonicTime) {
    sequence += 1
    inFlight.insert(Delivery(time: time, sequence: sequence, path: path, bytes: bytes))
  }

  private func deliver(_ delivery: Delivery) {
    for host in hosts where host.address == delivery.path.destination {
      host.receive(delivery.bytes, from: delivery.path.source, now: now)
    }
  }
}
