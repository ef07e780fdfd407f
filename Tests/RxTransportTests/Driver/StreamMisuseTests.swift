import AFSTypes
import RxCore
import RxTransport
import SystemPackage
import Testing

/// What users of streams do wrong is told to them, and harms nobody else.
@Suite(.timeLimit(.minutes(2))) struct StreamMisuseTests {
  private struct ClosureService: RxService {
    let id = ServiceID(78)
    let body: @Sendable (any RxStream) async -> Void

    func serve(_ stream: any RxStream, from call: RxIncomingCall) async { await body(stream) }
  }

  private static let afterLast = RxCallError.misuse("a send after the last one")

  private static func failure(of stream: any RxStream, sending bytes: [UInt8]) async -> RxCallError? {
    do throws(RxCallError) {
      try await stream.send(bytes, last: bytes.count < 10)
      return nil
    } catch {
      return error
    }
  }

  private static func failure(ofReceiving stream: any RxStream) async -> RxCallError? {
    do throws(RxCallError) {
      _ = try await stream.receive(count: 1)
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "A handler that sends after the last bytes is told so, whether its client has gone or not, and the server goes on")
  func handlerSendsAfterLast() async throws {
    let pair = try LoopbackPair()
    let (errors, told) = AsyncStream<RxCallError?>.makeStream()
    let (gone, goes) = AsyncStream<Void>.makeStream()
    pair.server.register(
      ClosureService { stream in
        _ = try? await stream.receive(count: 10)
        try? await stream.send([1], last: true)
        told.yield(await Self.failure(of: stream, sending: [2]))
        for await _ in gone { break }
        told.yield(await Self.failure(of: stream, sending: [2]))
      })
    #expect(try await pair.client.roundTrip([0], to: pair.target(78), options: .init(), replyMax: 10) == [1])
    await pair.client.shutDown()
    goes.yield()
    var iterator = errors.makeAsyncIterator()
    for _ in 0..<2 { #expect(await iterator.next() == .some(Self.afterLast)) }
    let other = try RxTransport()
    #expect(try await other.roundTrip([7], to: pair.target(9), options: .init(), replyMax: 10) == [7])
    await other.shutDown()
    await pair.shutDown()
  }

  @Test("So is a client, of memory and of files, before and after the call's end", arguments: [false, true])
  func clientSendsAfterLast(onExecutor: Bool) async throws {
    let pair = try LoopbackPair()
    let (client, target) = (pair.client, pair.target(9))
    try await Task(executorPreference: onExecutor ? client.executor : nil) {
      let stream = try await client.startCall(to: target, options: .init())
      try await stream.send([1], last: true)
      #expect(
        await Self.failure(of: stream, sending: [2]) == Self.afterLast)
      await #expect(throws: RxFileError.call(Self.afterLast)) {
        try await stream.send(file: .standardInput, offset: 0, count: 0, last: true)
      }
      #expect(try await stream.receive(count: 10) == [1])
      try await stream.finish()
      #expect(
        await Self.failure(of: stream, sending: [2]) == Self.afterLast)
    }.value
    await pair.shutDown()
  }

  @Test("A client that receives before it has sent is told so, and may go on", arguments: [false, true])
  func receiveFirst(onExecutor: Bool) async throws {
    let pair = try LoopbackPair()
    let (client, target) = (pair.client, pair.target(9))
    try await Task(executorPreference: onExecutor ? client.executor : nil) {
      let stream = try await client.startCall(to: target, options: .init())
      let error = await Self.failure(ofReceiving: stream)
      #expect(error == .misuse("a receive before the first send"))
      #expect("\(error!)" == "wrong use of the call's stream: a receive before the first send")
      try await stream.send([1], last: true)
      #expect(try await stream.receive(count: 10) == [1])
    }.value
    await pair.shutDown()
  }

  @Test("A client that finishes before it has sent makes a call with an empty request")
  func finishFirst() async throws {
    let pair = try LoopbackPair()
    let (requests, seen) = AsyncStream<[UInt8]?>.makeStream()
    pair.server.register(
      ClosureService { stream in
        seen.yield(try? await stream.receive(count: 10))
        try? await stream.send([1], last: true)
      })
    let stream = try await pair.client.startCall(to: pair.target(78), options: .init())
    try await stream.finish()
    var iterator = requests.makeAsyncIterator()
    #expect(await iterator.next() == .some([]))
    await pair.shutDown()
  }

  @Test("Of two that send at a time, or receive, the second is told so")
  func twoAtATime() async throws {
    let pair = try LoopbackPair()
    pair.server.register(
      ClosureService { stream in
        _ = try? await stream.receive(count: 1)
        let (never, _) = AsyncStream<Void>.makeStream()
        for await _ in never {}
      })
    let stream = try await pair.client.startCall(to: pair.target(78), options: .init())
    try await stream.send([1], last: false)
    let much = [UInt8](repeating: 1, count: 32 << 20)
    let sends = (0..<2).map { _ in Task { await Self.failure(of: stream, sending: much) } }
    let receives = (0..<2).map { _ in Task { await Self.failure(ofReceiving: stream) } }
    let ends = AsyncStream<RxCallError?>.makeStream()
    for task in sends + receives { Task { ends.continuation.yield(await task.value) } }
    var iterator = ends.stream.makeAsyncIterator()
    let first = [await iterator.next()!, await iterator.next()!]
    #expect(Set(first) == [.misuse("a send while another waits"), .misuse("a receive while another waits")])
    stream.abort(AbortCode(5))
    for _ in 0..<2 { #expect(await iterator.next() == .some(.abortedLocally(AbortCode(5)))) }
    await pair.shutDown()
  }

  @Test("After the end of its port a client's stream says that, whatever is done first")
  func shutDown() async throws {
    let pair = try LoopbackPair()
    let stream = try await pair.client.startCall(to: pair.target(9), options: .init())
    await pair.client.shutDown()
    #expect(await Self.failure(of: stream, sending: [1]) == .shutDown)
    #expect(await Self.failure(ofReceiving: stream) == .shutDown)
    await pair.shutDown()
  }
}
