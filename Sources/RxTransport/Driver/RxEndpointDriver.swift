package import AFSBase
import AFSTypes
package import RxCore

/// Joins an `RxEndpoint` with asynchronous calls: keeps the calls in flight, turns their operations into commands to
/// the endpoint, and its events into resumed continuations and tasks of services.
///
/// It has neither socket nor clock: its loop (the I/O thread, or the simulation) gives it datagrams and the time, and
/// sends what `nextTransmit` gives. Everything happens on that loop. A loop's turn is: `receive` what has come,
/// `advance`, run the jobs that were resumed, `settle`, and so on until no job is left; then `nextTransmit` until nil.
package final class RxEndpointDriver {
  /// Handlers of services that run at the same time; further calls wait, and the endpoint bounds how many do.
  package static let handlersMax = 1024
  /// The largest datagram or burst (what UDP can carry).
  private static let scratchBytes = 65536

  private unowned let loop: any RxLoop
  /// Not checked for overlapping accesses, of which a call takes dozens: everything happens on the loop, and the endpoint
  /// calls nothing that could come back here.
  @exclusivity(unchecked) private var endpoint: RxEndpoint
  /// The time of the loop's present turn.
  private(set) package var now: MonotonicTime
  private var calls = CallTable()
  private var services: [ServiceID: any RxService] = [:]
  private let workers: ServiceWorkers
  private let acceptQueue: AcceptQueue
  private(set) package var isShutDown = false
  private(set) package var counters = RxCallCounters()
  /// What is told of packets that a security class refused.
  package var securityRefused: ((RxSecurityRefusal) -> Void)?
  /// Takes questions of `rxdebug` to the lane that they name.
  package var debugInquiryGoesOn: ((RxDebugInquiry) -> Void)?
  /// Writes down what comes and goes, as seen from the local address; nil costs a test.
  package var trace: (trace: RxPacketTrace, local: RxAddress)?
  /// Where reads go whose length is not known in advance.
  let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: scratchBytes, alignment: 16)

  /// - Parameters:
  ///   - key: where the endpoint's random numbers come from; nobody else may know it.
  ///   - lane: which share of the port's connections is this driver's.
  ///   - acceptQueue: what all drivers of the port share; nil for one of its own.
  package init(
    loop: any RxLoop, configuration: RxEndpointConfiguration, key: RandomKey, now: MonotonicTime, lane: RxLane = .only,
    acceptQueue: AcceptQueue? = nil
  ) {
    self.loop = loop
    self.now = now
    workers = ServiceWorkers(loop: loop)
    self.acceptQueue = acceptQueue ?? AcceptQueue(handlersMax: Self.handlersMax)
    endpoint = RxEndpoint(configuration: configuration, key: key, now: now, lane: lane)
  }

  /// What peers know this run of the port by.
  package var epoch: UInt32 { endpoint.epoch }

  deinit {
    scratch.deallocate()
  }

  // MARK: The loop's side

  /// One datagram has come.
  package func receive(_ datagram: UnsafeRawBufferPointer, from source: RxAddress) {
    if let trace {
      trace.trace.record(datagram, from: source, to: trace.local, isOutgoing: false, at: loop.wallTime)
    }
    endpoint.receive(datagram, from: source, now: now)
  }

  /// A question of `rxdebug` came from another lane.
  package func receive(_ inquiry: RxDebugInquiry) { endpoint.take(inquiry, now: now) }

  /// The network refused what was sent to `peer`.
  package func receivedNetworkError(_ errno: Int32, from peer: RxAddress) {
    endpoint.receivedNetworkError(errno, from: peer, now: now)
  }

  /// ICMP says the same, quoting the packet.
  func receivedNetworkError(_ errno: Int32, from peer: RxAddress, quoting packet: UnsafeRawBufferPointer) {
    endpoint.receivedNetworkError(errno, from: peer, quoting: packet, now: now)
  }

  /// ICMP, or the kernel, says that packets to `peer` may have `mtu` bytes at most, IP header included.
  func receivedPathMTU(_ mtu: Int, from peer: RxAddress, quoting packet: UnsafeRawBufferPointer) {
    endpoint.receivedPathMTU(mtu, from: peer, quoting: packet, now: now)
  }

  /// Time has passed: the endpoint's timers run. Time never goes back.
  package func advance(to time: MonotonicTime) {
    if time > now { now = time }
    if let timeout = endpoint.nextTimeout, timeout <= now { endpoint.timeout(now: now) }
    settle()
  }

  /// Hands on the endpoint's events. Wanted after datagrams and after jobs.
  package func settle() {
    while let event = endpoint.nextEvent() {
      switch event {
      case .incoming(let handle, let call): accept(handle, call)
      case .readable(let handle): calls[handle]?.becameReadable(self)
      case .writable(let handle): calls[handle]?.becameWritable(self)
      case .completed(let handle, let completion):
        if case .failure = completion { counters.failed += 1 }
        calls[handle]?.completed(completion, self)
      }
    }
    while let refusal = endpoint.nextSecurityRefusal() { securityRefused?(refusal) }
    while let inquiry = endpoint.nextDebugInquiry() { debugInquiryGoesOn?(inquiry) }
  }

  /// Fills `buffer` (64 KiB) with what must be sent next.
  package func nextTransmit(into buffer: UnsafeMutableRawBufferPointer) -> RxTransmit? {
    let transmit = endpoint.nextTransmit(into: buffer, now: now)
    if let trace, let transmit { record(transmit, buffer, trace) }
    return transmit
  }

  private func record(
    _ transmit: RxTransmit, _ buffer: UnsafeMutableRawBufferPointer, _ trace: (trace: RxPacketTrace, local: RxAddress)
  ) {
    let time = loop.wallTime
    for start in stride(from: 0, to: transmit.byteCount, by: max(transmit.segmentSize, 1)) {
      let datagram = UnsafeRawBufferPointer(
        rebasing: buffer[start..<min(start + transmit.segmentSize, transmit.byteCount)])
      trace.trace.record(datagram, from: trace.local, to: transmit.destination, isOutgoing: true, at: time)
    }
  }

  /// What lives in the endpoint.
  package var tables: RxTables { endpoint.tables(now: now) }

  /// When `advance` wants to be called.
  package var nextTimeout: MonotonicTime? { endpoint.nextTimeout }

  /// Client calls, and calls that are being served.
  package var callsInFlight: Int { calls.count }

  // MARK: Commands

  package func register(_ service: any RxService, checksReachability: Bool = false) {
    services[service.id] = service
    endpoint.register(service: service.id, checksReachability: checksReachability)
  }

  /// Clients that ask for a service's successor get it; see `RxEndpoint.upgrade`.
  package func upgrade(_ service: ServiceID, to successor: ServiceID) {
    endpoint.upgrade(service, to: successor)
  }

  /// Calls whose targets name `reference` are protected by `security`.
  package func register(_ security: any RxClientSecurity, as reference: RxClientSecurityReference) {
    endpoint.register(security, as: reference)
  }

  /// Calls whose targets name `reference` begin with `security` from now on.
  package func replace(_ reference: RxClientSecurityReference, with security: any RxClientSecurity) {
    endpoint.replace(reference, with: security)
  }

  /// No further calls will name `reference`.
  package func unregister(_ reference: RxClientSecurityReference) {
    endpoint.unregister(reference, now: now)
  }

  /// Calls to `service` may come protected by `security`.
  package func register(_ security: any RxServerSecurity, for service: ServiceID) {
    endpoint.register(security, for: service)
  }

  /// Ends all calls with `.shutDown` and cancels the handlers of services. What must still be sent is left to
  /// `nextTransmit`.
  package func shutDown() {
    guard !isShutDown else { return }
    isShutDown = true
    endpoint.shutDown(now: now)
    settle()
    acceptQueue.remove(of: self)
    for call in calls.calls { call.completed(.failure(.shutDown), self) }
    workers.end()
  }

  func open(_ call: any DrivenCall, to target: RxTarget, options: RxCallOptions) -> RxCallHandle? {
    guard !isShutDown else { return nil }
    counters.started += 1
    let handle = endpoint.openCall(to: target, options: options, now: now)
    calls[handle] = call
    return handle
  }

  func write(_ call: RxCallHandle, _ bytes: UnsafeRawBufferPointer, isLast: Bool) -> Int {
    endpoint.write(call, bytes, isLast: isLast, now: now)
  }

  func read(_ call: RxCallHandle, into buffer: UnsafeMutableRawBufferPointer) -> (count: Int, isAtEnd: Bool) {
    endpoint.read(call, into: buffer, now: now)
  }

  /// Sends a batch of the file; see `RxEndpoint.write(_:byteCountMax:...)`.
  /// - Returns: bytes taken.
  func write(_ call: RxCallHandle, from range: inout FileRange, isLast: Bool) -> Int {
    endpoint.write(call, byteCountMax: range.remaining, isLast: isLast, now: now) { range.read(into: $0) }
  }

  /// Writes a batch of received data to the file.
  func read(_ call: RxCallHandle, into range: inout FileRange) -> (count: Int, offered: Int, isAtEnd: Bool) {
    endpoint.read(call, byteCountMax: range.remaining, now: now) { range.write($0) }
  }

  /// Aborts the call if it has not ended; its events go nowhere from now on.
  func abandon(_ call: RxCallHandle, _ code: AbortCode) {
    endpoint.abort(call, code, now: now)
    release(call)
  }

  func statistics(of call: RxCallHandle) -> RxCallStatistics? { endpoint.statistics(of: call) }

  /// The call has ended, or nobody wants it any more.
  func release(_ call: RxCallHandle) {
    calls[call] = nil
    endpoint.release(call, now: now)
  }

  // MARK: Services

  private func accept(_ handle: RxCallHandle, _ call: RxIncomingCall) {
    counters.served += 1
    guard !isShutDown, let service = services[call.service] else { return abandon(handle, .rxInvalidOperation) }
    let state = StreamCall(serving: handle)
    calls[handle] = state
    if acceptQueue.admit() { return startHandler(of: service, call, state) }
    let work = LoopBound((driver: self, state: state, service: service))
    state.place = acceptQueue.enqueue(loop, of: self) {
      let (driver, state, service) = work.value
      state.place = nil
      // Its client may have given it up meanwhile.
      guard !driver.isShutDown, !state.hasEnded else { return false }
      driver.startHandler(of: service, call, state)
      return true
    }
  }

  /// A served call has ended before its handler was started.
  func leaveQueue(_ place: AcceptQueue.Place) {
    acceptQueue.remove(place)
  }

  private func startHandler(
    of service: any RxService, _ call: RxIncomingCall, _ state: StreamCall
  ) {
    let stream = DriverStream(loop: loop, driver: self, call: state, keeping: nil)
    workers.serve(ServiceWorkers.Work(service: service, stream: stream, state: state, call: call))
  }

  /// Ends the tasks in which services wait for calls; the next calls get new ones.
  package func endIdleTasks() { workers.endIdle() }

  /// The call that a worker's handler serves has ended before its reply was sent.
  func cancelHandler(_ worker: UInt64) { workers.cancel(worker) }

  /// The handler of a served call has returned.
  func handlerReturned() {
    acceptQueue.handlerReturned()
  }
}

/// What drivers have done since their start.
public struct RxCallCounters: Sendable, Hashable {
  /// Client calls begun.
  public var started: UInt64 = 0
  /// Calls of peers to our services, those included that are refused for want of one.
  public var served: UInt64 = 0
  /// Calls of both kinds that ended without their result, but for those which were given up here (`abandon`).
  public var failed: UInt64 = 0

  mutating func add(_ other: RxCallCounters) {
    started += other.started
    served += other.served
    failed += other.failed
  }
}
