public import AFSBase
public import AFSTypes

/// One UDP port's worth of Rx: client and server side of the protocol as a value without I/O.
///
/// Four kinds of method: *input* (`receive`, `receivedNetworkError`, `timeout`), *commands* (`openCall`, `write`,
/// `read`, `abort`, `release`, `register...`), *output* (`nextTransmit`, `nextEvent`, `nextTimeout`). After inputs and
/// commands the driver asks for output until there is none. Time must not run backwards.
///
/// Owned by one thread (or by the simulation); not shared.
public struct RxEndpoint: ~Copyable {
  public init(configuration: RxEndpointConfiguration, seed: UInt64, now: MonotonicTime) {
    fatalError("shell")
  }

  // MARK: Input

  /// A datagram arrived. Never traps on any content.
  public mutating func receive(_ datagram: UnsafeRawBufferPointer, from source: RxAddress, now: MonotonicTime) {}

  /// The socket's error queue reported `errno` for packets sent to `peer`: ends the calls it concerns.
  public mutating func receivedNetworkError(_ errno: Int32, from peer: RxAddress, now: MonotonicTime) {}

  /// `nextTimeout` has passed.
  public mutating func timeout(now: MonotonicTime) {}

  // MARK: Commands

  /// Calls to `service` are accepted from now on; without it they are refused.
  public mutating func register(service: ServiceID) {}

  /// Starts a client call on a connection to `target`, opening a connection if none has a free channel.
  public mutating func openCall(to target: RxTarget, options: RxCallOptions, now: MonotonicTime) -> RxCallHandle {
    fatalError("shell")
  }

  /// Queues request bytes (client) or reply bytes (server). `isLast` closes our direction once all are taken.
  /// - Returns: how many bytes were taken; fewer than given when the queue (bounded by the window) is full:
  ///   `.writable` follows. `isLast` counts only when all bytes were taken.
  public mutating func write(
    _ call: RxCallHandle, _ bytes: UnsafeRawBufferPointer, isLast: Bool, now: MonotonicTime
  ) -> Int { 0 }

  /// Takes in-order bytes that the peer sent; opens the receive window again.
  /// - Returns: bytes copied into `buffer`, and whether the stream's end has been reached with them.
  public mutating func read(
    _ call: RxCallHandle, into buffer: UnsafeMutableRawBufferPointer, now: MonotonicTime
  ) -> (count: Int, isAtEnd: Bool) { (0, true) }

  /// Ends the call with an ABORT to the peer. No effect on a call that has ended.
  public mutating func abort(_ call: RxCallHandle, _ code: AbortCode, now: MonotonicTime) {}

  /// The driver will not name this call again. A call that has not ended is aborted first.
  public mutating func release(_ call: RxCallHandle, now: MonotonicTime) {}

  /// Ends all calls with `.shutDown`; what must still be sent (aborts, last acks) is left in the output.
  public mutating func shutDown(now: MonotonicTime) {}

  // MARK: Output

  /// Fills `buffer` (64 KiB) with the next datagram, or with several of equal size for one destination.
  public mutating func nextTransmit(into buffer: UnsafeMutableRawBufferPointer, now: MonotonicTime) -> RxTransmit? {
    nil
  }

  public mutating func nextEvent() -> RxEvent? { nil }

  /// When `timeout` wants to be called; nil for never.
  public var nextTimeout: MonotonicTime? { nil }
}
