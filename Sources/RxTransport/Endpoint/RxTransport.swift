import AFSBase
import AFSTypes
public import Logging
public import RxCore
import Synchronization

/// One UDP port with Rx behind it: makes calls, and serves those of peers.
///
/// It has one or more threads of its own. Each owns a socket of the port, the protocol and the timers of its share of the
/// connections; a call stays on the thread that it began on. A thread is an `executor` for code that makes many calls:
/// there, a call costs no hand-over between threads. Such code must not block.
///
/// The port is open until `shutDown`; the threads live as long as the transport, its callers and its streams.
public final class RxTransport: RxCaller, RxSecurityRegistry {
  private let port: OpenPort
  private let securityCount = Atomic<UInt32>(0)
  private let turn = Atomic<UInt32>(0)
  /// The port in use.
  public let boundPort: UInt16
  /// Whether the wanted port was taken, so that it is another one.
  public let portWasTaken: Bool
  /// The threads of the port, each of which makes calls and runs tasks.
  public let threads: [RxTransportThread]

  /// Opens the port and starts the threads.
  public init(
    options: RxTransportOptions = RxTransportOptions(), configuration: RxEndpointConfiguration = .init(),
    logger: Logger = Logger(label: "rx")
  ) throws(RxTransportError) {
    port = try OpenPort(options: options, configuration: configuration, logger: logger)
    boundPort = port.localAddress.port
    portWasTaken = options.port != 0 && boundPort != options.port
    threads = port.lanes.map { [port] in RxTransportThread($0, of: port) }
  }

  /// The threads' insides, for tests.
  var lanesForTest: [LaneExchange.Lane] { port.lanes }

  // MARK: Calls

  public func startCall(to target: RxTarget, options: RxCallOptions) async throws(RxCallError) -> any RxStream {
    try await nextThread.startCall(to: target, options: options)
  }

  public func roundTrip(
    _ request: [UInt8], to target: RxTarget, options: RxCallOptions, replyMax: Int
  ) async throws(RxCallError) -> [UInt8] {
    try await nextThread.roundTrip(request, to: target, options: options, replyMax: replyMax)
  }

  /// Where a call begins: on the caller's thread if that is one of ours, else on the least busy one.
  private var nextThread: RxTransportThread {
    if threads.count == 1 { return threads[0] }
    if let current = threads.first(where: \.isCurrent) { return current }
    let start = Int(turn.wrappingAdd(1, ordering: .relaxed).newValue)
    let order = (0..<threads.count).map { threads[(start + $0) % threads.count] }
    return order.min { $0.load < $1.load } ?? threads[0]
  }

  /// Serves calls to `service` from now on; another one of the same number is replaced.
  ///
  /// - Parameters:
  ///   - service: the service.
  ///   - checksReachability: whether a client must answer a ping before its first call is served, and again a minute after
  ///     its last proof. Costs a round trip then. Without it the first calls of unknown clients are served at once, 64 of
  ///     them at a time (`RxEndpointConfiguration.callsOnTrustMax`), so that what they do is done even for a client whose
  ///     address was forged. Whatever this says, no such client is sent more than came from its address.
  public func register(_ service: any RxService, checksReachability: Bool = false) {
    port.perform { driver in driver.register(service, checksReachability: checksReachability) }
  }

  /// Clients that ask for a successor of `service` get `successor` (Linux: RXRPC_UPGRADEABLE_SERVICE); both must have been
  /// registered. Other clients get `service` as before.
  public func upgrade(_ service: ServiceID, to successor: ServiceID) {
    port.perform { driver in driver.upgrade(service, to: successor) }
  }

  // MARK: Security

  /// Makes a client's security known; targets name it by the reference returned.
  public func register(_ security: any RxClientSecurity) -> RxClientSecurityReference {
    let number = securityCount.wrappingAdd(1, ordering: .relaxed).newValue
    let reference = RxClientSecurityReference(rawValue: number)
    port.perform { driver in driver.register(security, as: reference) }
    return reference
  }

  public func replace(_ reference: RxClientSecurityReference, with security: any RxClientSecurity) {
    port.perform { driver in driver.replace(reference, with: security) }
  }

  /// No new calls will name the reference; calls in flight go on.
  public func unregister(_ reference: RxClientSecurityReference) {
    port.perform { driver in driver.unregister(reference) }
  }

  /// Calls to `service` may come protected by `security`, beside those without protection.
  public func register(_ security: any RxServerSecurity, for service: ServiceID) {
    port.perform { driver in driver.register(security, for: service) }
  }

  // MARK: Thread

  /// The first I/O thread as an executor: `Task(executorPreference: transport.executor)`.
  public var executor: any TaskExecutor & SerialExecutor { threads[0].executor }

  /// Does `work`, and on this thread what it gives the first I/O thread to do: if that thread sleeps, the caller takes its
  /// place until there is nothing left to do at once, which saves the wake-up. If it is awake, it gets the work as ever.
  ///
  /// For threads outside of Swift's concurrency that start a task on `executor`. The caller must hold no lock: other
  /// work of the I/O thread may run before this returns.
  public func visiting<Result>(_ work: () -> Result) -> Result {
    threads[0].visiting(work)
  }

  /// Real time; sleeps end on the first I/O thread.
  public var timer: any RxTimer { threads[0].timer }

  /// Ends all calls with `.shutDown`, cancels handlers of services, sends what must be sent, and closes the port.
  /// Later calls end with `.shutDown` at once; the executors go on working.
  public func shutDown() async {
    for lane in port.lanes {
      await withUnsafeContinuation { continuation in
        lane.thread.perform {
          lane.thread.closePump(lane.pump.value)
          continuation.resume()
        }
      }
    }
  }

  /// Calls, connections, peers, operations at this moment, of all threads.
  public func tables() async -> RxTables {
    var sum = RxTables()
    for lane in port.lanes { sum.add(await lane.tables()) }
    return sum
  }

  /// What has been going on, on all threads.
  public func statistics() async -> RxTransportStatistics {
    var sum = RxTransportStatistics()
    for lane in port.lanes { sum.add(await lane.statistics()) }
    return sum
  }
}
