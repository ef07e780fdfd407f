import AFSTypes
import RxCore

/// A call with a small request and a small reply: one continuation, no stream. On the loop only.
final class RoundTripCall: DrivenCall {
  typealias Waiter = UnsafeContinuation<Result<[UInt8], RxCallError>, Never>

  private let request: [UInt8]
  private let replyMax: Int
  /// Bytes of the request that the endpoint has taken; -1 when it has them all, and their end.
  private var sent = 0
  private var reply: [UInt8] = []
  private var isAtEnd = false
  private var hasSucceeded = false
  private var isCancelled = false
  private var handle: RxCallHandle?
  private var waiter: Waiter?

  init(request: [UInt8], replyMax: Int) {
    self.request = request
    self.replyMax = replyMax
  }

  func start(to target: RxTarget, options: RxCallOptions, _ waiter: Waiter, _ driver: RxEndpointDriver) {
    guard !isCancelled else { return waiter.resume(returning: .failure(.cancelled)) }
    guard let handle = driver.open(self, to: target, options: options) else {
      return waiter.resume(returning: .failure(.shutDown))
    }
    self.handle = handle
    self.waiter = waiter
    becameWritable(driver)
  }

  /// The caller's task was cancelled; it may be before `start`, or after the end.
  func cancel(_ driver: RxEndpointDriver) {
    isCancelled = true
    abort(.rxUserAbort, .cancelled, driver)
  }

  func becameWritable(_ driver: RxEndpointDriver) {
    guard let handle, sent >= 0 else { return }
    sent += request.withUnsafeBytes { bytes in
      driver.write(handle, UnsafeRawBufferPointer(rebasing: bytes[sent...]), isLast: true)
    }
    if sent == request.count { sent = -1 }
  }

  func becameReadable(_ driver: RxEndpointDriver) {
    while let handle, !isAtEnd {
      let (count, isLast) = driver.read(handle, into: driver.scratch)
      guard reply.count + count <= replyMax else {
        let error = RxCallError.malformedReply("the reply has more than \(replyMax) bytes")
        return abort(.rxProtocolError, error, driver)
      }
      reply.append(contentsOf: driver.scratch[..<count])
      isAtEnd = isLast
      if count == 0 { break }
    }
    endIfDone(driver)
  }

  func completed(_ completion: RxCompletion, _ driver: RxEndpointDriver) {
    switch completion {
    case .success:
      hasSucceeded = true
      becameReadable(driver)
    case .failure(let error):
      end(.failure(error), driver)
    }
  }

  private func endIfDone(_ driver: RxEndpointDriver) {
    if isAtEnd, hasSucceeded { end(.success(reply), driver) }
  }

  private func abort(_ code: AbortCode, _ error: RxCallError, _ driver: RxEndpointDriver) {
    guard let handle else { return }
    driver.abandon(handle, code)
    self.handle = nil
    end(.failure(error), driver)
  }

  private func end(_ result: Result<[UInt8], RxCallError>, _ driver: RxEndpointDriver) {
    if let handle { driver.release(handle) }
    handle = nil
    let waiter = waiter
    self.waiter = nil
    waiter?.resume(returning: result)
  }
}
