import AFSTypes
import RxCore
import RxTransport
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct ServiceWorkersTests {
  /// Notes in which task each call is served; calls whose request is 1 are answered only when `release` is called.
  private final class TaskService: RxService {
    let id = ServiceID(77)
    private let state = Mutex((tasks: [Int](), waiters: [CheckedContinuation<Void, Never>](), wasCancelled: false))

    var tasks: [Int] { state.withLock { $0.tasks } }
    var waiterCount: Int { state.withLock { $0.waiters.count } }
    var wasCancelled: Bool { state.withLock { $0.wasCancelled } }

    func release() {
      for waiter in state.withLock({ state in
        defer { state.waiters = [] }
        return state.waiters
      }) { waiter.resume() }
    }

    func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
      let task = withUnsafeCurrentTask { $0!.hashValue }
      state.withLock { $0.tasks.append(task) }
      guard let request = try? await stream.receive(count: 1) else { return }
      if request == [1] {
        await withCheckedContinuation { waiter in state.withLock { $0.waiters.append(waiter) } }
        if Task.isCancelled { state.withLock { $0.wasCancelled = true } }
      }
      try? await stream.send(request, last: true)
    }
  }

  private func call(_ pair: LoopbackPair, _ byte: UInt8) async throws -> [UInt8] {
    try await pair.client.roundTrip([byte], to: pair.target(77), options: .init(), replyMax: 10)
  }

  @Test("Calls that follow each other are served in one task, calls at the same time in several")
  func tasks() async throws {
    let pair = try LoopbackPair()
    let service = TaskService()
    pair.server.register(service)
    for _ in 0..<20 { #expect(try await call(pair, 0) == [0]) }
    // The task of a call that has been answered may not have come to wait yet when the next one comes.
    #expect(Set(service.tasks).count <= 2)
    async let first = call(pair, 1)
    async let second = call(pair, 1)
    while service.waiterCount < 2 { await Task.yield() }
    #expect(Set(service.tasks.suffix(2)).count == 2)
    service.release()
    let replies = try await [first, second]
    #expect(replies == [[1], [1]])
    await pair.shutDown()
  }

  @Test("The end of the port cancels the handlers that run")
  func cancellation() async throws {
    let pair = try LoopbackPair()
    let service = TaskService()
    pair.server.register(service)
    let pending = Task { try await call(pair, 1) }
    while service.waiterCount == 0 { await Task.yield() }
    await pair.server.shutDown()
    service.release()
    while !service.wasCancelled { await Task.yield() }
    pending.cancel()
    _ = await pending.result
    await pair.shutDown()
  }

  /// Waits, after its request, until it is cancelled or let go. Then it tells whether it was cancelled.
  private struct WaitingService: RxService {
    let id = ServiceID(78)
    let cancelsHandlers: Bool
    let begun = AsyncStream<Void>.makeStream()
    let letGo = AsyncStream<Void>.makeStream()
    let ended = AsyncStream<Bool>.makeStream()
    var abortsItself = false

    func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
      guard let request = try? await stream.receive(count: 1) else { return }
      if abortsItself { stream.abort(AbortCode(5)) }
      if request == [1] {
        begun.continuation.yield()
        for await _ in letGo.stream { break }
      }
      ended.continuation.yield(Task.isCancelled)
      try? await stream.send(request, last: true)
    }

    func hasBegun() async { for await _ in begun.stream { break } }

    func wasCancelled() async -> Bool {
      for await wasCancelled in ended.stream { return wasCancelled }
      return false
    }
  }

  enum Ending: CaseIterable { case abort, cancellation, deadline, shutDown }

  @Test(
    "A handler is cancelled when its client gives the call up, and its task serves no other", arguments: Ending.allCases
  )
  func abandoned(ending: Ending) async throws {
    let pair = try LoopbackPair()
    let service = WaitingService(cancelsHandlers: true)
    pair.server.register(service)
    let options = RxCallOptions(deadline: ending == .deadline ? .milliseconds(500) : nil)
    let stream = try await pair.client.startCall(to: pair.target(78), options: options)
    try await stream.send([1], last: true)
    await service.hasBegun()
    switch ending {
    case .abort: stream.abort(AbortCode(7))
    case .cancellation:
      let task = Task { try await stream.receive(count: 1) }
      task.cancel()
      _ = await task.result
    case .deadline: _ = try? await stream.receive(count: 1)
    case .shutDown: await pair.client.shutDown()
    }
    #expect(await service.wasCancelled())
    let other = try RxTransport()
    for _ in 0..<5 {
      #expect(try await other.roundTrip([0], to: pair.target(78), options: .init(), replyMax: 10) == [0])
      #expect(await !service.wasCancelled())
    }
    await other.shutDown()
    await pair.shutDown()
  }

  @Test("It is not if its service wants none of that", arguments: [false, true])
  func keptOn(cancelsHandlers: Bool) async throws {
    let pair = try LoopbackPair()
    let service = WaitingService(cancelsHandlers: cancelsHandlers)
    pair.server.register(service)
    let stream = try await pair.client.startCall(to: pair.target(78), options: .init())
    try await stream.send([1], last: true)
    await service.hasBegun()
    stream.abort(AbortCode(7))
    while await pair.server.statistics().calls.failed == 0 { await Task.yield() }
    service.letGo.continuation.yield()
    #expect(await service.wasCancelled() == cancelsHandlers)
    await pair.shutDown()
  }

  @Test("Its own abort does not cancel a handler")
  func ownAbort() async throws {
    let pair = try LoopbackPair()
    let service = WaitingService(cancelsHandlers: true, abortsItself: true)
    pair.server.register(service)
    await #expect(throws: RxCallError.aborted(AbortCode(5))) {
      try await pair.client.roundTrip([1], to: pair.target(78), options: .init(), replyMax: 10)
    }
    await service.hasBegun()
    service.letGo.continuation.yield()
    #expect(await !service.wasCancelled())
    await pair.shutDown()
  }

  @Test("A task that waits keeps no call: what a service has kept of one goes with it")
  func streams() async throws {
    final class Kept: RxService {
      struct Weak: @unchecked Sendable { weak var stream: (any RxStream)? }
      let id = ServiceID(77)
      let streams = Mutex<[Weak]>([])

      func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
        streams.withLock { $0.append(Weak(stream: stream)) }
        guard let request = try? await stream.receive(count: 1) else { return }
        try? await stream.send(request, last: true)
      }
    }
    let pair = try LoopbackPair()
    let service = Kept()
    pair.server.register(service)
    for _ in 0..<3 { _ = try await call(pair, 0) }
    while service.streams.withLock({ $0.contains { $0.stream != nil } }) { await Task.yield() }
    await pair.shutDown()
  }

  @Test("A service goes with its transport: tasks that wait for calls keep nothing alive")
  func end() async throws {
    weak var service: TaskService?
    do {
      let pair = try LoopbackPair()
      let made = TaskService()
      service = made
      pair.server.register(made)
      _ = try await call(pair, 0)
      await pair.shutDown()
    }
    while service != nil { await Task.yield() }
  }
}
