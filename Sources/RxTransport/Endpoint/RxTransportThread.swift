public import RxCore

/// One of a transport's I/O threads, for code that wants to choose: its calls begin and stay there.
///
/// It keeps the port's threads running for as long as it lives.
public struct RxTransportThread: RxCaller {
  private let lane: LaneExchange.Lane
  private let calls: DriverCaller
  private let port: OpenPort

  init(_ lane: LaneExchange.Lane, of port: OpenPort) {
    self.lane = lane
    self.port = port
    calls = DriverCaller(loop: lane.thread, driver: lane.driver, keeping: port)
  }

  /// The thread as an executor. Code on it must not block.
  public var executor: any TaskExecutor & SerialExecutor { lane.thread }

  /// Real time; sleeps end on the thread.
  public var timer: any RxTimer { LoopTimer(lane.thread, keeping: port) }

  func visiting<Result>(_ work: () -> Result) -> Result { lane.thread.visiting(work) }

  var isCurrent: Bool { lane.thread.isCurrent }
  /// Calls in flight, a moment ago.
  var load: Int { lane.thread.load }

  public func startCall(to target: RxTarget, options: RxCallOptions) async throws(RxCallError) -> any RxStream {
    try await calls.startCall(to: target, options: options)
  }

  public func roundTrip(
    _ request: [UInt8], to target: RxTarget, options: RxCallOptions, replyMax: Int
  ) async throws(RxCallError) -> [UInt8] {
    try await calls.roundTrip(request, to: target, options: options, replyMax: replyMax)
  }
}
