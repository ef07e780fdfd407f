import AFSBase
import AFSTypes
import CLinuxShims
import Glibc
public import Logging
public import RxCore
import Synchronization

/// One UDP port with Rx behind it: makes calls, and serves those of peers.
///
/// It has a thread of its own, which owns socket, protocol and timers, and is the `executor` for code that makes many
/// calls: there, a call costs no hand-over between threads. Such code must not block.
///
/// The port is open until `shutDown`; the thread lives as long as the transport, its callers and its streams.
public final class RxTransport: RxCaller, RxSecurityRegistry {
  private let thread: RxIOThread
  private let lifetime: ThreadLifetime
  private let driver: LoopBound<RxEndpointDriver>
  private let pump: LoopBound<SocketPump>
  private let calls: DriverCaller
  private let securityCount = Atomic<UInt32>(0)
  /// The port in use.
  public let boundPort: UInt16
  /// Whether the wanted port was taken, so that it is another one.
  public let portWasTaken: Bool

  /// Opens the port and starts the thread.
  public init(
    options: RxTransportOptions = RxTransportOptions(), configuration: RxEndpointConfiguration = .init(),
    logger: Logger = Logger(label: "rx")
  ) throws(RxTransportError) {
    let socket = try Self.open(options)
    boundPort = socket.localAddress.port
    portWasTaken = options.port != 0 && boundPort != options.port
    let thread = try RxIOThread()
    let driver = RxEndpointDriver(
      loop: thread, configuration: configuration, seed: Self.seed(), now: Clock.monotonic)
    let pump = LoopBound(SocketPump(driver: driver, socket: socket, logger: logger))
    self.thread = thread
    self.driver = LoopBound(driver)
    self.pump = pump
    lifetime = ThreadLifetime(thread, pump)
    calls = DriverCaller(loop: thread, driver: self.driver, keeping: lifetime)
    thread.submit { thread.attach(pump.value) }
  }

  private static func open(_ options: RxTransportOptions) throws(RxTransportError) -> UDPSocket {
    do throws(RxTransportError) {
      return try UDPSocket(address: options.address, port: options.port, bufferBytes: options.socketBufferBytes)
    } catch {
      guard case .portTaken = error, options.acceptsOtherPort else { throw error }
      return try UDPSocket(address: options.address, port: 0, bufferBytes: options.socketBufferBytes)
    }
  }

  private static func seed() -> UInt64 {
    var seed: UInt64 = 0
    // Cannot fail for 8 bytes once the system has started; if it does, the clock must do.
    if afsfuse_random(&seed, 8) != 0 { seed = UInt64(bitPattern: Clock.monotonic.nanoseconds) }
    return seed
  }

  // MARK: Calls

  public func startCall(to target: RxTarget, options: RxCallOptions) async throws(RxCallError) -> any RxStream {
    try await calls.startCall(to: target, options: options)
  }

  public func roundTrip(
    _ request: [UInt8], to target: RxTarget, options: RxCallOptions, replyMax: Int
  ) async throws(RxCallError) -> [UInt8] {
    try await calls.roundTrip(request, to: target, options: options, replyMax: replyMax)
  }

  /// Serves calls to `service` from now on; another one of the same number is replaced.
  public func register(_ service: any RxService) {
    thread.perform { [driver] in driver.value.register(service) }
  }

  // MARK: Security

  /// Makes a client's security known; targets name it by the reference returned.
  public func register(_ security: any RxClientSecurity) -> RxClientSecurityReference {
    let number = securityCount.wrappingAdd(1, ordering: .relaxed).newValue
    let reference = RxClientSecurityReference(rawValue: number)
    thread.perform { [driver] in driver.value.register(security, as: reference) }
    return reference
  }

  public func replace(_ reference: RxClientSecurityReference, with security: any RxClientSecurity) {
    thread.perform { [driver] in driver.value.replace(reference, with: security) }
  }

  /// No new calls will name the reference; calls in flight go on.
  public func unregister(_ reference: RxClientSecurityReference) {
    thread.perform { [driver] in driver.value.unregister(reference) }
  }

  /// Calls to `service` may come protected by `security`, beside those without protection.
  public func register(_ security: any RxServerSecurity, for service: ServiceID) {
    thread.perform { [driver] in driver.value.register(security, for: service) }
  }

  // MARK: Thread

  /// The I/O thread as an executor: `Task(executorPreference: transport.executor)`.
  public var executor: any TaskExecutor & SerialExecutor { thread }

  /// Real time; sleeps end on the I/O thread.
  public var timer: any RxTimer { LoopTimer(thread, keeping: lifetime) }

  /// Ends all calls with `.shutDown`, cancels handlers of services, sends what must be sent, and closes the port.
  /// Later calls end with `.shutDown` at once; the executor goes on working.
  public func shutDown() async {
    let (thread, pump) = (thread, pump)
    await withUnsafeContinuation { continuation in
      thread.perform {
        thread.closePump(pump.value)
        continuation.resume()
      }
    }
  }

  /// What has been going on.
  public func statistics() async -> RxTransportStatistics {
    let (thread, pump) = (thread, pump)
    return await withUnsafeContinuation { continuation in
      thread.perform {
        let statistics = RxTransportStatistics(
          callsInFlight: pump.value.driver.callsInFlight, calls: pump.value.driver.counters,
          socket: pump.value.counters, wakeups: thread.wakeups)
        continuation.resume(returning: statistics)
      }
    }
  }
}

/// A transport at one moment.
public struct RxTransportStatistics: Sendable, Hashable {
  public var callsInFlight: Int
  public var calls: RxCallCounters
  public var socket: RxSocketCounters
  /// How often the I/O thread went to sleep.
  public var wakeups: UInt64
}

/// Ends an I/O thread when the last holder is gone.
private final class ThreadLifetime: Sendable {
  private let thread: RxIOThread
  private let pump: LoopBound<SocketPump>

  init(_ thread: RxIOThread, _ pump: LoopBound<SocketPump>) {
    self.thread = thread
    self.pump = pump
  }

  deinit {
    thread.submit { [thread, pump] in thread.closePump(pump.value) }
    thread.end()
  }
}
