package import AFSTypes
package import RxCore
package import SystemPackage

/// A call's streams as tasks on any executor use them: carries operations to the call's state on the loop.
///
/// A task that runs on the loop works on the state directly, and suspends only when it really must wait.
package final class DriverStream: RxStream {
  private let loop: any RxLoop
  private let state: LoopBound<(call: StreamCall, driver: RxEndpointDriver)>
  /// Keeps the owner of the loop alive for as long as the stream is.
  private let owner: (any AnyObject & Sendable)?

  init(loop: any RxLoop, driver: RxEndpointDriver, call: StreamCall, keeping owner: (any AnyObject & Sendable)?) {
    self.loop = loop
    self.owner = owner
    state = LoopBound((call, driver))
  }

  deinit {
    // Each branch by itself: a closure that may be kept is a piece of memory for every call.
    if loop.isCurrent {
      state.value.call.dropped(state.value.driver)
    } else {
      loop.submit { [state] in state.value.call.dropped(state.value.driver) }
    }
  }

  package func send(_ bytes: UnsafeRawBufferPointer, last: Bool) async throws(RxCallError) {
    var rest = bytes
    if loop.isCurrent {
      abortIfCancelled()
      if let result = state.value.call.progressSend(&rest, last: last, state.value.driver) { return try result.get() }
    }
    let memory = LoopBound(rest)
    try await wait { state, waiter in
      state.value.call.awaitSend(memory.value, last: last, waiter, state.value.driver)
    }
  }

  package func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(RxCallError) -> Int {
    var rest = buffer
    var count = 0
    if loop.isCurrent {
      abortIfCancelled()
      if let result = state.value.call.progressReceive(into: &rest, count: &count, state.value.driver) {
        return try result.get()
      }
    }
    let memory = LoopBound((rest: rest, count: count))
    return try await wait { state, waiter in
      state.value.call.awaitReceive(
        into: memory.value.rest, count: memory.value.count, waiter, state.value.driver)
    }
  }

  package func send(
    file: FileDescriptor, offset: Int64, count: Int, last: Bool
  ) async throws(RxFileError) {
    var range = FileRange(file, offset: offset, count: count)
    range.prefetch()
    if loop.isCurrent {
      abortIfCancelled()
      if let result = state.value.call.progressSend(file: &range, last: last, state.value.driver) {
        return try result.get()
      }
    }
    let rest = LoopBound(range)
    try await wait { state, waiter in
      state.value.call.awaitSend(file: rest.value, last: last, waiter, state.value.driver)
    }
  }

  package func receive(
    into file: FileDescriptor, offset: Int64, count: Int
  ) async throws(RxFileError) -> Int {
    var range = FileRange(file, offset: offset, count: count)
    var received = 0
    if loop.isCurrent {
      abortIfCancelled()
      if let result = state.value.call.progressReceive(file: &range, count: &received, state.value.driver) {
        return try result.get()
      }
    }
    let rest = LoopBound((range: range, count: received))
    return try await wait { state, waiter in
      state.value.call.awaitReceive(file: rest.value.range, count: rest.value.count, waiter, state.value.driver)
    }
  }

  package func finish() async throws(RxCallError) {
    if loop.isCurrent {
      abortIfCancelled()
      if let result = state.value.call.progressFinish(state.value.driver) { return try result.get() }
    }
    try await wait { state, waiter in state.value.call.awaitFinish(waiter, state.value.driver) }
  }

  package func statistics() async -> RxCallStatistics? {
    if loop.isCurrent { return state.value.call.statistics(state.value.driver) }
    return await withUnsafeContinuation { waiter in
      loop.perform { [state] in waiter.resume(returning: state.value.call.statistics(state.value.driver)) }
    }
  }

  package func abort(_ code: AbortCode) {
    loop.perform { [state] in state.value.call.abort(code, .abortedLocally(code), state.value.driver) }
  }

  func handlerReturned() {
    if loop.isCurrent { handlerReturned(state.value) } else { loop.submit { self.handlerReturned(self.state.value) } }
  }

  private func handlerReturned(_ state: (call: StreamCall, driver: RxEndpointDriver)) {
    state.call.handlerReturned(state.driver)
    state.driver.handlerReturned()
  }

  /// Aborts the call of a cancelled task: the operation that follows gets `.cancelled`.
  private func abortIfCancelled() {
    guard Task.isCancelled else { return }
    state.value.call.abort(.rxUserAbort, .cancelled, state.value.driver)
  }

  /// Suspends the task; `begin` runs on the loop and takes care that the continuation is resumed.
  private func wait<Value, Failure: Error>(
    _ begin:
      @escaping @Sendable (
        LoopBound<(call: StreamCall, driver: RxEndpointDriver)>, UnsafeContinuation<Result<Value, Failure>, Never>
      ) -> Void
  ) async throws(Failure) -> Value {
    let (loop, state) = (loop, state)
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { waiter in
        loop.perform { begin(state, waiter) }
      }
    } onCancel: {
      loop.perform { state.value.call.abort(.rxUserAbort, .cancelled, state.value.driver) }
    }
    return try result.get()
  }
}
