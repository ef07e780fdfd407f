import AFSBase
import CLinuxShims
import Glibc
import Logging
import RxCore

/// A UDP port with its lanes: sockets, threads, drivers. Closes the port and ends the threads when the last holder is
/// gone.
final class OpenPort: Sendable {
  let lanes: [LaneExchange.Lane]
  let localAddress: RxAddress

  init(
    options: RxTransportOptions, configuration: RxEndpointConfiguration, logger: Logger
  ) throws(RxTransportError) {
    let count = min(max(options.threads, 1), RxLane.countMax)
    var configuration = configuration
    // The depth is the port's.
    configuration.acceptQueueDepth = (configuration.acceptQueueDepth + count - 1) / count
    let acceptQueue = AcceptQueue(handlersMax: RxEndpointDriver.handlersMax)
    let first = try Self.open(options)
    localAddress = first.localAddress
    if count > 1 { try UDPSocket.sharePort(of: first.descriptor) }
    let template = Template(
      options: options, configuration: configuration, acceptQueue: acceptQueue, logger: logger)
    var lanes = [try template.lane(RxLane(index: 0, of: count), socket: first)]
    do throws(RxTransportError) {
      let epoch = lanes[0].driver.value.epoch
      for index in 1..<count {
        let socket = try UDPSocket(
          address: options.address, port: localAddress.port, bufferBytes: options.socketBufferBytes, joinsPort: true)
        lanes.append(try template.lane(RxLane(index: index, of: count, epoch: epoch), socket: socket))
      }
    } catch {
      for lane in lanes { lane.thread.end() }
      throw error
    }
    self.lanes = lanes
    begin(logger)
  }

  deinit {
    for lane in lanes {
      lane.thread.submit { lane.thread.closePump(lane.pump.value) }
      lane.thread.end()
    }
  }

  private static func open(_ options: RxTransportOptions) throws(RxTransportError) -> UDPSocket {
    do throws(RxTransportError) {
      return try UDPSocket(address: options.address, port: options.port, bufferBytes: options.socketBufferBytes)
    } catch {
      guard case .portTaken = error, options.acceptsOtherPort else { throw error }
      return try UDPSocket(address: options.address, port: 0, bufferBytes: options.socketBufferBytes)
    }
  }

  /// Starts the lanes, all sockets being bound.
  private func begin(_ logger: Logger) {
    let exchange = LaneExchange(lanes)
    if lanes.count > 1 {
      let failure = afsfuse_steer_lanes(
        lanes[0].pump.value.descriptor, UInt32(lanes.count), RxLane.mask(of: lanes.count), RxLane.hashMultiplier)
      if failure != 0 {
        logger.warning(
          "the kernel does not steer datagrams to threads; they are handed over instead",
          metadata: ["error": "\(String(cString: strerror(failure)))"])
      }
    }
    for (index, lane) in lanes.enumerated() {
      lane.thread.submit {
        if exchange.lanes.count > 1 { lane.pump.value.join(exchange, as: index) }
        lane.thread.attach(lane.pump.value)
      }
    }
  }

  /// Runs `body` with the driver of each lane, on its thread.
  func perform(_ body: @escaping @Sendable (RxEndpointDriver) -> Void) {
    for lane in lanes { lane.thread.perform { body(lane.driver.value) } }
  }

  /// What all lanes have in common.
  private struct Template {
    let options: RxTransportOptions
    let configuration: RxEndpointConfiguration
    let acceptQueue: AcceptQueue
    let logger: Logger

    func lane(_ lane: RxLane, socket: consuming UDPSocket) throws(RxTransportError) -> LaneExchange.Lane {
      let thread = try RxIOThread(name: lane.count > 1 ? "rx-io-\(lane.index)" : "rx-io", spin: options.spin)
      let driver = RxEndpointDriver(
        loop: thread, configuration: configuration, key: key(), now: SystemClock.monotonic, lane: lane,
        acceptQueue: acceptQueue)
      if let trace = options.trace {
        let local = RxAddress(
          high: options.address?.high ?? 0, low: options.address?.low ?? 0xFFFF_0000_0000,
          port: socket.localAddress.port)
        driver.trace = (trace, local)
      }
      let pump = SocketPump(driver: driver, socket: socket, logger: logger)
      return LaneExchange.Lane(thread: thread, driver: LoopBound(driver), pump: LoopBound(pump))
    }

    private func key() -> RandomKey {
      var words: [2 of UInt64] = [0, 0]
      // Cannot fail for 16 bytes once the system has started; if it does, the clock must do.
      if afsfuse_random(&words, 16) != 0 { words[0] = UInt64(bitPattern: SystemClock.monotonic.nanoseconds) }
      return RandomKey(words[0], words[1])
    }
  }
}

extension LaneExchange.Lane {
  /// What lives there.
  func tables() async -> RxTables {
    await withUnsafeContinuation { continuation in
      thread.perform { continuation.resume(returning: driver.value.tables) }
    }
  }

  /// What has been going on there.
  func statistics() async -> RxTransportStatistics {
    await withUnsafeContinuation { continuation in
      thread.perform {
        var statistics = RxTransportStatistics()
        statistics.callsInFlight = driver.value.callsInFlight
        statistics.calls = driver.value.counters
        statistics.socket = pump.value.counters
        statistics.wakeups = thread.wakeups
        continuation.resume(returning: statistics)
      }
    }
  }
}
