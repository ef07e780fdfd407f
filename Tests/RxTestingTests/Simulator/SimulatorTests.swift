import AFSBase
import AFSTypes
import RxCore
import RxTesting
import RxTransport
import Testing

/// Sends the request back.
private struct EchoService: RxService {
  let id = ServiceID(9)

  func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
    do {
      let request = try await stream.receive(count: 1 << 20)
      try await stream.send(request, last: true)
    } catch {}
  }
}

/// Reads the request and waits for a lock that nobody opens.
private struct StuckService: RxService {
  let id = ServiceID(10)

  func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
    _ = try? await stream.receive(count: 1)
    await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
  }
}

/// Answers after a second.
private struct SlowService: RxService {
  let id = ServiceID(11)
  let timer: any RxTimer

  func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
    do {
      let request = try await stream.receive(count: 4)
      try await timer.sleep(until: timer.now + .seconds(1))
      try await stream.send(request, last: true)
    } catch {}
  }
}

@Suite struct SimulatorTests {
  @Test("More calls than handlers may run wait for their turn; those given up meanwhile are skipped")
  func manyHandlers() throws {
    let simulator = Simulator(seed: 7)
    let server = simulator.host("server")
    server.register(SlowService(timer: simulator.timer))
    // The server's limits are what is tested, not the client's.
    var configuration = RxEndpointConfiguration()
    configuration.connectionsPerTargetMax = .max
    configuration.greetingCallsMax = .max
    let client = simulator.host("client", configuration: configuration)
    let timer = simulator.timer
    let answered = try simulator.run {
      await withTaskGroup(of: Bool.self) { group in
        for index in 0..<1300 {
          let isCancelled = index >= 1250
          group.addTask {
            let call = { @Sendable () async -> Bool in
              let reply = try? await client.roundTrip(
                [1, 2, 3, 4], to: server.target(ServiceID(11)), options: .init(), replyMax: 4)
              return reply != nil
            }
            guard isCancelled else { return await call() }
            return await withTaskGroup(of: Bool.self) { inner in
              inner.addTask { await call() }
              try? await timer.sleep(until: timer.now + .milliseconds(500))
              inner.cancelAll()
              return await inner.next()!
            }
          }
        }
        var count = 0
        for await hasReply in group where hasReply { count += 1 }
        return count
      }
    }
    #expect(answered == 1250)
    #expect(simulator.now > .zero + .seconds(2))
    #expect(simulator.now < .zero + .seconds(5))
  }

  @Test("A simulation leaves nothing behind")
  func noCycle() throws {
    weak var observed: Simulator?
    do {
      let simulator = Simulator(seed: 7)
      observed = simulator
      let server = simulator.host("server")
      server.register(EchoService())
      let client = simulator.host("client")
      _ = try simulator.run {
        try await client.roundTrip([1, 2, 3, 4], to: server.target(ServiceID(9)), options: .init(), replyMax: 100)
      }
    }
    #expect(observed == nil)
  }

  @Test("A call crosses the simulated network and takes its delay")
  func call() throws {
    let simulator = Simulator(seed: 7)
    let server = simulator.host("server")
    server.register(EchoService())
    let client = simulator.host("client")
    simulator.setConditions(NetworkConditions(delay: .milliseconds(10)))
    let reply = try simulator.run {
      try await client.roundTrip([1, 2, 3], to: server.target(ServiceID(9)), options: .init(), replyMax: 100)
    }
    #expect(reply == [1, 2, 3])
    #expect(simulator.now >= MonotonicTime(nanoseconds: 20_000_000))
    #expect(simulator.now < MonotonicTime(nanoseconds: 100_000_000))
  }

  /// Forty callers with pauses, groups and an actor on a bad network.
  private func busyRun(seed: UInt64) throws -> (SimulationTrace, [Int], MonotonicTime) {
    let simulator = Simulator(seed: seed)
    let server = simulator.host("server")
    server.register(EchoService())
    let client = simulator.host("client")
    simulator.setConditions(.bad)
    let timer = simulator.timer
    let log = Log()
    try simulator.run {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<40 {
          group.addTask {
            if index.isMultiple(of: 3) { try await timer.sleep(until: timer.now + .milliseconds(index)) }
            let request = [UInt8](repeating: UInt8(index), count: 1 + index * 500)
            let reply = try await client.roundTrip(
              request, to: server.target(ServiceID(9)), options: .init(), replyMax: 1 << 20)
            #expect(reply == request)
            await log.add(index)
          }
        }
        try await group.waitForAll()
      }
    }
    let order = try simulator.run { await log.entries }
    return (simulator.trace, order, simulator.now)
  }

  private actor Log {
    private(set) var entries: [Int] = []
    func add(_ entry: Int) { entries.append(entry) }
  }

  @Test("Equal seeds give equal runs, others do not", arguments: [1, 2, 3, 4, 5] as [UInt64])
  func repeatable(seed: UInt64) throws {
    let first = try busyRun(seed: seed)
    let second = try busyRun(seed: seed)
    #expect(first.0.datagramCount > 200)
    #expect(first.0.checksum == second.0.checksum)
    #expect(first.0.entries == second.0.entries)
    #expect(first.1 == second.1)
    #expect(first.2 == second.2)
    #expect(try busyRun(seed: seed + 100).0.checksum != first.0.checksum)
  }

  @Test("A test that can never end is told so")
  func deadlock() throws {
    let simulator = Simulator(seed: 1)
    _ = simulator.host("lonely")
    do {
      try simulator.run { await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }
      Issue.record("the run came to an end")
    } catch SimulationFailure.deadlock(let state) {
      #expect(state.contains("lonely has 0 calls in flight"))
    }
  }

  @Test("A call without answer ends by its deadline in virtual time")
  func deadline() throws {
    let simulator = Simulator(seed: 1)
    let server = simulator.host("server")
    server.register(StuckService())
    let client = simulator.host("client")
    #expect(throws: RxCallError.timedOut(.hard)) {
      try simulator.run {
        _ = try await client.roundTrip(
          [1], to: server.target(ServiceID(10)), options: .init(deadline: .seconds(600)), replyMax: 1)
      }
    }
    #expect(simulator.now >= .zero + .seconds(600))
    #expect(simulator.now < .zero + .seconds(602))
  }

  @Test("A call that nothing ends reaches the run's time limit, and is ended by it")
  func timeLimit() throws {
    let simulator = Simulator(seed: 1)
    let server = simulator.host("server")
    server.register(StuckService())
    let client = simulator.host("client")
    do {
      try simulator.run(limits: .init(time: .seconds(300))) {
        _ = try await client.roundTrip([1], to: server.target(ServiceID(10)), options: .init(), replyMax: 1)
      }
      Issue.record("the run came to an end")
    } catch SimulationFailure.tooLate {}
  }

  @Test("A task that leaves the simulation is found out")
  func escape() throws {
    let simulator = Simulator(seed: 1)
    let timer = simulator.timer
    do {
      try simulator.run {
        let outside = Task.detached { try? await timer.sleep(until: timer.now + .seconds(1)) }
        await outside.value
      }
      Issue.record("the run came to an end")
    } catch is SimulationFailure {}
  }

  @Test("Nobody at an address is found out by ICMP, a dead host by silence")
  func unreachable() throws {
    let simulator = Simulator(seed: 1)
    let server = simulator.host("server")
    let client = simulator.host("client")
    let nobody = RxTarget(peer: RxAddress(ipv4: 0x0A00_0099, port: 7000), service: ServiceID(9))
    #expect(throws: RxCallError.unreachable(111)) {
      try simulator.run { _ = try await client.roundTrip([1], to: nobody, options: .init(), replyMax: 1) }
    }
    #expect(simulator.now < .zero + .seconds(1))
    server.setDown(true)
    #expect(throws: RxCallError.timedOut(.dead)) {
      try simulator.run {
        _ = try await client.roundTrip([1], to: server.target(ServiceID(9)), options: .init(), replyMax: 1)
      }
    }
    #expect(simulator.now > .zero + .seconds(45))
  }

  @Test("A restarted server serves again, and calls it had are lost")
  func restart() throws {
    let simulator = Simulator(seed: 3)
    let server = simulator.host("server")
    server.register(EchoService())
    server.register(StuckService())
    let client = simulator.host("client")
    let timer = simulator.timer
    try simulator.run {
      async let stuck: [UInt8] = client.roundTrip(
        [1], to: server.target(ServiceID(10)), options: .init(), replyMax: 1)
      try await timer.sleep(until: timer.now + .seconds(5))
      server.restart()
      let reply = try await client.roundTrip([5], to: server.target(ServiceID(9)), options: .init(), replyMax: 1)
      #expect(reply == [5])
      do {
        _ = try await stuck
        Issue.record("the call survived")
      } catch is RxCallError {}
    }
  }

  @Test("A cancelled task in the simulation ends its call")
  func cancellation() throws {
    let simulator = Simulator(seed: 3)
    let server = simulator.host("server")
    server.register(StuckService())
    let client = simulator.host("client")
    let timer = simulator.timer
    let error = try simulator.run { () async throws -> RxCallError? in
      try await withThrowingTaskGroup(of: RxCallError?.self) { group in
        group.addTask {
          do throws(RxCallError) {
            _ = try await client.roundTrip([1], to: server.target(ServiceID(10)), options: .init(), replyMax: 1)
            return nil
          } catch {
            return error
          }
        }
        try await timer.sleep(until: timer.now + .seconds(2))
        group.cancelAll()
        return try await group.next()!
      }
    }
    #expect(error == .cancelled)
    #expect(simulator.now < .zero + .seconds(3))
  }

  @Test("Wall time goes with virtual time")
  func wallTime() throws {
    let simulator = Simulator(seed: 3)
    let timer = simulator.timer
    let (before, after) = try simulator.run {
      let before = timer.wallTime
      try await timer.sleep(until: timer.now + .milliseconds(2500))
      return (before, timer.wallTime)
    }
    #expect(after == WallTime(seconds: before.seconds + 2, nanoseconds: before.nanoseconds + 500_000_000))
  }
}
