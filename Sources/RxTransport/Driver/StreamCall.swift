import AFSTypes
import RxCore

/// The state of one streaming call, client or server side: who waits for what, and how it ended. On the loop only.
///
/// Operations come in pairs: `progress...` does what can be done now and returns a result when that was all;
/// otherwise `await...` parks a continuation, and events drive it on.
package final class StreamCall: DrivenCall {
  typealias Waiter<Value> = UnsafeContinuation<Result<Value, RxCallError>, Never>
  typealias FileWaiter<Value> = UnsafeContinuation<Result<Value, RxFileError>, Never>

  private enum Side {
    case client(RxTarget, RxCallOptions)
    case server
  }

  private struct Sender {
    var bytes: UnsafeRawBufferPointer
    let isLast: Bool
    let waiter: Waiter<Void>
  }

  private struct Receiver {
    var rest: UnsafeMutableRawBufferPointer
    var count: Int
    let waiter: Waiter<Int>
  }

  struct FileSender {
    var range: FileRange
    let isLast: Bool
    let waiter: FileWaiter<Void>
  }

  struct FileReceiver {
    var range: FileRange
    var count: Int
    let waiter: FileWaiter<Int>
  }

  /// Bytes of a reply beyond what its reader wanted that `finish` throws away; more is a broken peer.
  private static let surplusMax = 65536

  private let side: Side
  /// The call at the endpoint: nil before the first `send` of a client, and after the call was released.
  var handle: RxCallHandle?
  /// When the endpoint's call was given up.
  private var lastStatistics: RxCallStatistics?
  /// Where a served call waits for a handler.
  var place: AcceptQueue.Place?
  /// The task in which a handler serves the call, to be cancelled with it; nil when the handler has returned.
  var worker: UInt64?
  /// How the call ended; nil while it has not.
  var outcome: RxCompletion?
  var hasSentLast = false
  var isAtEnd = false
  private var surplus = 0
  private var sender: Sender?
  private var receiver: Receiver?
  var fileSender: FileSender?
  var fileReceiver: FileReceiver?
  private var finisher: Waiter<Void>?

  init(to target: RxTarget, options: RxCallOptions) {
    side = .client(target, options)
  }

  init(serving handle: RxCallHandle) {
    side = .server
    self.handle = handle
  }

  var hasEnded: Bool { outcome != nil }

  // MARK: Operations

  /// Gives the endpoint as many of `bytes` as it takes, and leaves the others in it.
  func progressSend(
    _ bytes: inout UnsafeRawBufferPointer, last: Bool, _ driver: RxEndpointDriver
  ) -> Result<Void, RxCallError>? {
    if let misuse = misuseOfSend { return .failure(misuse) }
    if let outcome {
      // A server may answer before it has seen the whole request: the rest of the request is of no use then.
      switch outcome {
      case .success: return .success(())
      case .failure(let error): return .failure(error)
      }
    }
    openIfNew(driver)
    guard let handle else { return .failure(.shutDown) }
    if bytes.isEmpty, !last { return .success(()) }
    let taken = driver.write(handle, bytes, isLast: last)
    guard taken == bytes.count else {
      bytes = UnsafeRawBufferPointer(rebasing: bytes[taken...])
      return nil
    }
    if last { hasSentLast = true }
    return .success(())
  }

  /// Why the stream's user may not send now.
  var misuseOfSend: RxCallError? {
    if hasSentLast { return .misuse("a send after the last one") }
    if sender != nil || fileSender != nil { return .misuse("a send while another waits") }
    return nil
  }

  /// Why the stream's user may not receive now.
  var misuseOfReceive: RxCallError? {
    if receiver != nil || fileReceiver != nil { return .misuse("a receive while another waits") }
    return nil
  }

  /// A client's call begins with its first bytes.
  func openIfNew(_ driver: RxEndpointDriver) {
    guard handle == nil, case .client(let target, let options) = side else { return }
    handle = driver.open(self, to: target, options: options)
    if handle == nil { outcome = .failure(.shutDown) }
  }

  func awaitSend(_ bytes: UnsafeRawBufferPointer, last: Bool, _ waiter: Waiter<Void>, _ driver: RxEndpointDriver) {
    var rest = bytes
    if let result = progressSend(&rest, last: last, driver) { return waiter.resume(returning: result) }
    sender = Sender(bytes: rest, isLast: last, waiter: waiter)
  }

  /// Fills `rest`, adding to `count`.
  func progressReceive(
    into rest: inout UnsafeMutableRawBufferPointer, count: inout Int, _ driver: RxEndpointDriver
  ) -> Result<Int, RxCallError>? {
    if let misuse = misuseOfReceive { return .failure(misuse) }
    while true {
      if case .failure(let error)? = outcome { return .failure(error) }
      if isAtEnd || rest.isEmpty { return .success(count) }
      guard let handle else { return .failure(.misuse("a receive before the first send")) }
      let (taken, isLast) = driver.read(handle, into: rest)
      rest = UnsafeMutableRawBufferPointer(rebasing: rest[taken...])
      count += taken
      if isLast {
        isAtEnd = true
        releaseIfDone(driver)
      } else if taken == 0 {
        return nil
      }
    }
  }

  func awaitReceive(
    into rest: UnsafeMutableRawBufferPointer, count: Int, _ waiter: Waiter<Int>, _ driver: RxEndpointDriver
  ) {
    var receiver = Receiver(rest: rest, count: count, waiter: waiter)
    if let result = progressReceive(into: &receiver.rest, count: &receiver.count, driver) {
      return waiter.resume(returning: result)
    }
    self.receiver = receiver
  }

  func progressFinish(_ driver: RxEndpointDriver) -> Result<Void, RxCallError>? {
    if finisher != nil { return .failure(.misuse("a finish while another waits")) }
    if !hasSentLast, outcome == nil {
      var nothing = UnsafeRawBufferPointer(start: nil, count: 0)
      if let result = progressSend(&nothing, last: true, driver), case .failure = result { return result }
    }
    if case .server = side, outcome == nil { return hasSentLast ? .success(()) : nil }
    discardSurplus(driver)
    switch outcome {
    case nil: return nil
    case .failure(let error)?: return .failure(error)
    case .success?: return .success(())
    }
  }

  func awaitFinish(_ waiter: Waiter<Void>, _ driver: RxEndpointDriver) {
    if let result = progressFinish(driver) { return waiter.resume(returning: result) }
    finisher = waiter
  }

  /// Ends the call with an ABORT to the peer; whoever waits, and all later operations, get `error`.
  func abort(_ code: AbortCode, _ error: RxCallError, _ driver: RxEndpointDriver) {
    guard outcome == nil else { return }
    noteStatistics(driver)
    if let handle { driver.abandon(handle, code) }
    handle = nil
    end(.failure(error))
  }

  /// What the call has carried so far, or had when it ended; nil before its first `send`.
  func statistics(_ driver: RxEndpointDriver) -> RxCallStatistics? {
    handle.flatMap { driver.statistics(of: $0) } ?? lastStatistics
  }

  private func noteStatistics(_ driver: RxEndpointDriver) { lastStatistics = statistics(driver) }

  /// Nobody holds the stream any more. A reply that is on its way to the client goes on.
  func dropped(_ driver: RxEndpointDriver) {
    if case .server = side, hasSentLast { return }
    if let handle { driver.abandon(handle, .rxUserAbort) }
    handle = nil
  }

  /// The service's handler has returned: it must have ended its stream.
  func handlerReturned(_ driver: RxEndpointDriver) {
    worker = nil
    if !hasSentLast { abort(.rxUserAbort, .abortedLocally(.rxUserAbort), driver) }
  }

  // MARK: Events

  func becameReadable(_ driver: RxEndpointDriver) {
    if var receiver {
      self.receiver = nil
      guard let result = progressReceive(into: &receiver.rest, count: &receiver.count, driver) else {
        self.receiver = receiver
        return
      }
      receiver.waiter.resume(returning: result)
    } else if fileReceiver != nil {
      driveFileReceiver(driver)
    } else if finisher != nil {
      driveFinish(driver)
    }
  }

  func becameWritable(_ driver: RxEndpointDriver) {
    if var sender {
      self.sender = nil
      guard let result = progressSend(&sender.bytes, last: sender.isLast, driver) else {
        self.sender = sender
        return
      }
      sender.waiter.resume(returning: result)
    } else if fileSender != nil {
      driveFileSender(driver)
    } else if finisher != nil {
      driveFinish(driver)
    }
  }

  func completed(_ completion: RxCompletion, _ driver: RxEndpointDriver) {
    guard outcome == nil else { return }
    switch (completion, side) {
    case (.failure, _), (.success, .server):
      noteStatistics(driver)
      if let handle { driver.release(handle) }
      handle = nil
      if let place { driver.leaveQueue(place) }
      place = nil
      end(completion)
      // After whoever waits has been told why.
      if case .failure = completion, !hasSentLast, let worker { driver.cancelHandler(worker) }
    case (.success, .client):
      outcome = .success
      becameReadable(driver)
      if let sender {
        self.sender = nil
        sender.waiter.resume(returning: .success(()))
      }
      if let fileSender {
        self.fileSender = nil
        fileSender.waiter.resume(returning: .success(()))
      }
      releaseIfDone(driver)
    }
  }

  // MARK: Ends

  private func driveFinish(_ driver: RxEndpointDriver) {
    guard let waiter = finisher else { return }
    finisher = nil
    awaitFinish(waiter, driver)
  }

  /// A client that finishes wants no more data; the endpoint must hand all of it out to end the call.
  private func discardSurplus(_ driver: RxEndpointDriver) {
    while let handle, !isAtEnd {
      let (count, isLast) = driver.read(handle, into: driver.scratch)
      surplus += count
      if isLast {
        isAtEnd = true
        releaseIfDone(driver)
      } else if count == 0 {
        return
      } else if surplus > Self.surplusMax {
        return abort(.rxProtocolError, .protocolViolation("the reply does not end where it should"), driver)
      }
    }
  }

  func releaseIfDone(_ driver: RxEndpointDriver) {
    guard case .client = side, isAtEnd, outcome == .success, let handle else { return }
    noteStatistics(driver)
    driver.release(handle)
    self.handle = nil
  }

  /// Sets the outcome and resumes all who wait. Their memory is forgotten first.
  private func end(_ completion: RxCompletion) {
    outcome = completion
    let (sender, receiver, finisher) = (sender, receiver, finisher)
    (self.sender, self.receiver, self.finisher) = (nil, nil, nil)
    endFileTransfers(completion)
    switch completion {
    case .success:
      sender?.waiter.resume(returning: .success(()))
      receiver?.waiter.resume(returning: .success(receiver?.count ?? 0))
      finisher?.resume(returning: .success(()))
    case .failure(let error):
      sender?.waiter.resume(returning: .failure(error))
      receiver?.waiter.resume(returning: .failure(error))
      finisher?.resume(returning: .failure(error))
    }
  }
}
