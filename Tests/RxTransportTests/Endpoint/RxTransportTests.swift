import AFSBase
import AFSTypes
import Logging
import RxCore
import RxTransport
import Testing

/// Two transports on loopback.
struct LoopbackPair {
  let server: RxTransport
  let client: RxTransport

  init() throws { try self.init(options: RxTransportOptions(address: RxAddress(ipv4: 0x7F00_0001, port: 0))) }

  init(options: RxTransportOptions) throws {
    server = try RxTransport(options: options)
    client = try RxTransport(options: options)
    server.register(EchoService())
    server.register(SinkService())
    server.register(SourceService())
    server.register(ForgetfulService())
  }

  func target(_ service: UInt16) -> RxTarget {
    RxTarget(peer: RxAddress(ipv4: 0x7F00_0001, port: server.boundPort), service: ServiceID(service))
  }

  func shutDown() async {
    await client.shutDown()
    await server.shutDown()
  }
}

@Suite(.timeLimit(.minutes(2))) struct RxTransportTests {
  @Test("A stream tells what its call has carried, during it and afterwards, and which service answered")
  func statistics() async throws {
    let pair = try LoopbackPair()
    pair.server.register(SuccessorService())
    pair.server.upgrade(ServiceID(9), to: SuccessorService.id)
    let stream = try await pair.client.startCall(to: pair.target(9), options: RxCallOptions(probesUpgrade: true))
    #expect(await stream.statistics() == nil)
    try await stream.send([UInt8](repeating: 1, count: 5000), last: true)
    #expect(await stream.statistics()?.bytesWritten == 5000)
    #expect(try await stream.receive(count: 9000).count == 5000)
    try await stream.finish()
    let statistics = try #require(await stream.statistics())
    #expect(statistics.bytesWritten == 5000 && statistics.bytesRead == 5000)
    #expect(statistics.packetsSent >= 4 && statistics.packetsReceived >= 4)
    #expect(statistics.roundTrip.map { $0 > .zero } == true)
    #expect(statistics.service == SuccessorService.id)
    await pair.shutDown()
  }

  private struct SuccessorService: RxService {
    static let id = ServiceID(99)
    var id: ServiceID { Self.id }

    func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
      await EchoService().serve(stream, from: call)
    }
  }

  @Test("A round trip brings back what the service sent", arguments: [0, 1, 100, 1416, 1417, 50_000])
  func roundTrip(size: Int) async throws {
    let pair = try LoopbackPair()
    let request = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
    let reply = try await pair.client.roundTrip(request, to: pair.target(9), options: .init(), replyMax: 100_000)
    #expect(reply == request)
    await pair.shutDown()
  }

  @Test("A round trip works the same from a task on the I/O thread")
  func roundTripOnExecutor() async throws {
    let pair = try LoopbackPair()
    let (client, target) = (pair.client, pair.target(9))
    let replies = await Task(executorPreference: client.executor) {
      var replies: [[UInt8]] = []
      for index in 0..<100 {
        replies.append((try? await client.roundTrip([UInt8(index)], to: target, options: .init(), replyMax: 10)) ?? [])
      }
      return replies
    }.value
    #expect(replies == (0..<100).map { [UInt8($0)] })
    await pair.shutDown()
  }

  @Test("A reply longer than wanted is refused")
  func longReply() async throws {
    let pair = try LoopbackPair()
    await #expect(throws: RxCallError.malformedReply("the reply has more than 9 bytes")) {
      try await pair.client.roundTrip(
        [UInt8](repeating: 1, count: 10), to: pair.target(9), options: .init(), replyMax: 9)
    }
    await pair.shutDown()
  }

  @Test("64 MiB go to the server unchanged", arguments: [false, true])
  func sendMuch(onExecutor: Bool) async throws {
    let pair = try LoopbackPair()
    let (client, target) = (pair.client, pair.target(10))
    let size = 64 << 20
    let task = Task(executorPreference: onExecutor ? client.executor : nil) { () async throws -> (Checksum, [UInt8]) in
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
      defer { buffer.deallocate() }
      var sum = Checksum()
      let stream = try await client.startCall(to: target, options: .init())
      for offset in stride(from: 0, to: size, by: buffer.count) {
        Checksum.pattern(at: offset, into: buffer)
        sum.add(UnsafeRawBufferPointer(buffer))
        try await stream.send(UnsafeRawBufferPointer(buffer), last: offset + buffer.count == size)
      }
      let reply = try await stream.receive(count: 100)
      try await stream.finish()
      return (sum, reply)
    }
    let (sum, reply) = try await task.value
    #expect(sum.count == size)
    #expect(reply == sum.bytes)
    await pair.shutDown()
  }

  @Test("64 MiB come from the server unchanged", arguments: [false, true])
  func receiveMuch(onExecutor: Bool) async throws {
    let pair = try LoopbackPair()
    let (client, target) = (pair.client, pair.target(11))
    let size = 64 << 20
    let task = Task(executorPreference: onExecutor ? client.executor : nil) { () async throws -> (Checksum, Checksum) in
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
      let expected = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
      defer {
        buffer.deallocate()
        expected.deallocate()
      }
      let stream = try await client.startCall(to: target, options: .init())
      try await stream.send(withUnsafeBytes(of: UInt64(size).littleEndian, Array.init), last: true)
      var (sum, expectedSum) = (Checksum(), Checksum())
      while true {
        let count = try await stream.receive(into: buffer)
        sum.add(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        if count < buffer.count { break }
        Checksum.pattern(at: expectedSum.count, into: expected)
        expectedSum.add(UnsafeRawBufferPointer(expected))
      }
      try await stream.finish()
      return (sum, expectedSum)
    }
    let (sum, expected) = try await task.value
    #expect(sum.count == size)
    #expect(sum == expected)
    await pair.shutDown()
  }

  @Test("200 calls at the same time get their own replies")
  func parallelCalls() async throws {
    let pair = try LoopbackPair()
    let (client, target) = (pair.client, pair.target(9))
    try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
      for index in 0..<200 {
        group.addTask {
          let request = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 100 + index * 20)
          return (index, try await client.roundTrip(request, to: target, options: .init(), replyMax: 10_000))
        }
      }
      var count = 0
      for try await (index, reply) in group {
        count += 1
        #expect(reply == [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 100 + index * 20))
      }
      #expect(count == 200)
    }
    let statistics = await pair.client.statistics()
    #expect(statistics.calls.started == 200)
    #expect(statistics.calls.failed == 0)
    #expect(statistics.callsInFlight == 0)
    #expect(statistics.socket.datagramsSent >= 200)
    await pair.shutDown()
  }

  @Test("A cancelled task's call ends at once, for the server too", arguments: [false, true])
  func cancellation(onExecutor: Bool) async throws {
    let pair = try LoopbackPair()
    let (begun, ended) = pair.registerSilentService()
    let (client, target) = (pair.client, pair.target(13))
    let task = Task(executorPreference: onExecutor ? client.executor : nil) { () async -> RxCallError? in
      do throws(RxCallError) {
        _ = try await client.roundTrip([1], to: target, options: .init(), replyMax: 1 << 30)
        return nil
      } catch {
        return error
      }
    }
    var beginnings = begun.makeAsyncIterator()
    await beginnings.next()
    task.cancel()
    #expect(await task.value == .cancelled)
    var endings = ended.makeAsyncIterator()
    #expect(await endings.next() == .some(.aborted(.rxUserAbort)))
    await pair.shutDown()
  }

  @Test("A task that was cancelled before its call gets no further")
  func cancelledBefore() async throws {
    let pair = try LoopbackPair()
    let (client, target) = (pair.client, pair.target(9))
    let task = Task { () async -> [RxCallError?] in
      while !Task.isCancelled { await Task.yield() }
      var errors: [RxCallError?] = []
      do throws(RxCallError) {
        _ = try await client.roundTrip([1], to: target, options: .init(), replyMax: 10)
        errors.append(nil)
      } catch { errors.append(error) }
      do throws(RxCallError) {
        let stream = try await client.startCall(to: target, options: .init())
        try await stream.send([1], last: true)
        errors.append(nil)
      } catch { errors.append(error) }
      return errors
    }
    task.cancel()
    #expect(await task.value == [.cancelled, .cancelled])
    await pair.shutDown()
  }

  @Test("A receive that is cancelled leaves its buffer alone afterwards")
  func cancelledReceive() async throws {
    let pair = try LoopbackPair()
    pair.server.register(StallingService())
    let (client, target) = (pair.client, pair.target(14))
    for round in 0..<20 {
      let task = Task { () async -> Bool in
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 << 20, alignment: 16)
        defer { buffer.deallocate() }
        do throws(RxCallError) {
          let stream = try await client.startCall(to: target, options: .init())
          try await stream.send([1, 2, 3, 4], last: true)
          // Half of it comes: only the cancellation can end this.
          _ = try await stream.receive(into: buffer)
          return false
        } catch {
          // If the transport still wrote here, the next round's pattern would break, or the sanitizer tell.
          buffer.initializeMemory(as: UInt8.self, repeating: 0xA5)
          for _ in 0..<50 { await Task.yield() }
          return error == .cancelled && buffer.allSatisfy { $0 == 0xA5 }
        }
      }
      for _ in 0..<(round * 10) { await Task.yield() }
      task.cancel()
      #expect(await task.value)
    }
    await pair.shutDown()
  }

  @Test("A port where nobody listens ends the call fast")
  func refused() async throws {
    let pair = try LoopbackPair()
    let target = pair.target(9)
    await pair.server.shutDown()
    let client = pair.client
    // On the I/O thread: elsewhere other tests' work would count.
    let (error, time) = await Task(executorPreference: client.executor) { () async -> (RxCallError?, Duration) in
      let start = client.timer.now
      do throws(RxCallError) {
        _ = try await client.roundTrip([1], to: target, options: .init(), replyMax: 10)
        return (nil, client.timer.now - start)
      } catch {
        return (error, client.timer.now - start)
      }
    }.value
    #expect(error == .unreachable(111))
    #expect(time < .seconds(2))
    await pair.client.shutDown()
  }

  @Test("A handler that forgets to answer gets its call aborted")
  func forgetful() async throws {
    let pair = try LoopbackPair()
    await #expect(throws: RxCallError.aborted(.rxUserAbort)) {
      try await pair.client.roundTrip([1, 2, 3, 4], to: pair.target(12), options: .init(), replyMax: 10)
    }
    await pair.shutDown()
  }

  @Test("A service that nobody registered is refused")
  func unknownService() async throws {
    let pair = try LoopbackPair()
    await #expect(throws: RxCallError.aborted(.rxInvalidOperation)) {
      try await pair.client.roundTrip([1, 2, 3, 4], to: pair.target(77), options: .init(), replyMax: 10)
    }
    await pair.shutDown()
  }

  @Test("Shutting down ends the calls in flight on both sides")
  func shutDownInFlight() async throws {
    let pair = try LoopbackPair()
    let (begun, ended) = pair.registerSilentService()
    let (client, target) = (pair.client, pair.target(13))
    let tasks = (0..<8).map { _ in
      Task { () async -> RxCallError? in
        do throws(RxCallError) {
          _ = try await client.roundTrip([1], to: target, options: .init(), replyMax: 1 << 30)
          return nil
        } catch {
          return error
        }
      }
    }
    var beginnings = begun.makeAsyncIterator()
    for _ in 0..<8 { await beginnings.next() }
    await client.shutDown()
    for task in tasks { #expect(await task.value == .shutDown) }
    var endings = ended.makeAsyncIterator()
    for _ in 0..<8 {
      let ending = await endings.next()
      // Its own word, or the kernel's that its port was closed: whichever is seen first.
      #expect([.aborted(.rxUserAbort), .unreachable(111)].contains(ending))
    }
    await #expect(throws: RxCallError.shutDown) {
      try await client.roundTrip([1], to: target, options: .init(), replyMax: 10)
    }
    await pair.server.shutDown()
  }

  @Test("A call to a service that is not there is refused soon, however small its request", arguments: 0...4)
  func unknownService(size: Int) async throws {
    let pair = try LoopbackPair()
    // Refused when it is repeated, half a second later; the dead time would be 50 s.
    let options = RxCallOptions(deadline: .seconds(20))
    await #expect(throws: RxCallError.aborted(.rxInvalidOperation)) {
      try await pair.client.roundTrip(
        [UInt8](repeating: 1, count: size), to: pair.target(999), options: options, replyMax: 10)
    }
    await pair.shutDown()
  }

  @Test("A taken port is refused, or replaced by a free one if that is asked for")
  func takenPort() async throws {
    let first = try RxTransport(options: RxTransportOptions(port: 0))
    #expect(!first.portWasTaken)
    let options = RxTransportOptions(port: first.boundPort)
    #expect(throws: RxTransportError.portTaken(first.boundPort)) { _ = try RxTransport(options: options) }
    var lenient = options
    lenient.acceptsOtherPort = true
    let second = try RxTransport(options: lenient)
    #expect(second.portWasTaken)
    #expect(second.boundPort != first.boundPort)
    await first.shutDown()
    let third = try RxTransport(options: options)
    #expect(third.boundPort == first.boundPort)
    await second.shutDown()
    await third.shutDown()
  }

  @Test("A handler that outlives its transport sees its call end")
  func handlerAfterTransport() async throws {
    var pair: LoopbackPair? = try LoopbackPair()
    let (begun, ended) = pair!.registerSilentService()
    let (client, target) = (pair!.client, pair!.target(13))
    let task = Task { try? await client.roundTrip([1], to: target, options: .init(), replyMax: 1 << 30) }
    var beginnings = begun.makeAsyncIterator()
    await beginnings.next()
    pair = nil
    var endings = ended.makeAsyncIterator()
    #expect(await endings.next() == .some(.shutDown))
    #expect(await task.value == nil)
    await client.shutDown()
  }

  @Test("The executor goes on after the shutdown, and a task may outlive its transport")
  func executorAfterShutDown() async throws {
    let (stream, continuation) = AsyncStream<Void>.makeStream()
    var transport: RxTransport? = try RxTransport()
    let executor = transport!.executor
    await transport!.shutDown()
    #expect(await Task(executorPreference: executor) { 7 }.value == 7)
    let task = Task(executorPreference: executor) { () async -> Int in
      for await _ in stream { break }
      return 8
    }
    transport = nil
    for _ in 0..<1000 { await Task.yield() }
    continuation.yield()
    #expect(await task.value == 8)
  }
}

extension LoopbackPair {
  /// - Returns: what tells of handlers that have begun, and of how they ended.
  func registerSilentService() -> (AsyncStream<Void>, AsyncStream<RxCallError?>) {
    let begun = AsyncStream<Void>.makeStream()
    let ended = AsyncStream<RxCallError?>.makeStream()
    server.register(SilentService(begun: begun.continuation, ended: ended.continuation))
    return (begun.stream, ended.stream)
  }
}
