package import RxCore

/// Makes calls through a driver, from tasks on any executor.
package struct DriverCaller: RxCaller {
  private let loop: any RxLoop
  private let driver: LoopBound<RxEndpointDriver>
  private let owner: (any AnyObject & Sendable)?

  /// - Parameter owner: kept alive by every call: what keeps the loop running.
  package init(loop: any RxLoop, driver: LoopBound<RxEndpointDriver>, keeping owner: (any AnyObject & Sendable)? = nil)
  {
    self.loop = loop
    self.driver = driver
    self.owner = owner
  }

  package func startCall(to target: RxTarget, options: RxCallOptions) async throws(RxCallError) -> any RxStream {
    // The driver hears of the call with its first `send`.
    DriverStream(
      loop: loop, driver: driver.value, call: StreamCall(to: target, options: options), keeping: owner)
  }

  package func roundTrip(
    _ request: [UInt8], to target: RxTarget, options: RxCallOptions, replyMax: Int
  ) async throws(RxCallError) -> [UInt8] {
    let (loop, driver) = (loop, driver)
    let call = LoopBound(RoundTripCall(request: request, replyMax: replyMax))
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { waiter in
        loop.perform { call.value.start(to: target, options: options, waiter, driver.value) }
      }
    } onCancel: {
      loop.perform { call.value.cancel(driver.value) }
    }
    return try result.get()
  }
}
