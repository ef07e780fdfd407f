import AFSBase
import RxTransport
import Testing

@Suite(.timeLimit(.minutes(1))) struct LoopTimerTests {
  @Test("A sleep ends at its deadline, not before")
  func sleeps() async throws {
    let transport = try RxTransport()
    let timer = transport.timer
    // On the I/O thread: elsewhere other tests' work would count as lateness.
    let lateness = try await Task(executorPreference: transport.executor) {
      let deadline = timer.now + .milliseconds(20)
      try await timer.sleep(until: deadline)
      return timer.now - deadline
    }.value
    #expect(lateness >= .zero)
    #expect(lateness < .seconds(5))
    await transport.shutDown()
  }

  @Test("A cancelled sleep ends at once, and others go on")
  func cancelled() async throws {
    let transport = try RxTransport()
    let timer = transport.timer
    let long = (0..<200).map { _ in
      Task { () async -> Bool in
        do {
          try await timer.sleep(until: timer.now + .seconds(3600))
          return true
        } catch { return false }
      }
    }
    let short = Task { try await timer.sleep(until: timer.now + .milliseconds(5)) }
    for task in long { task.cancel() }
    for task in long { #expect(await task.value == false) }
    try await short.value
    await transport.shutDown()
  }
}

@Suite struct SleepQueueTests {
  @Test("Sleepers wake in the order of their deadlines, and cancelled ones do not")
  func order() async throws {
    let queue = LoopBound(SleepQueue())
    let sleepers = LoopBound((0..<200).map { SleepQueue.Sleeper(until: MonotonicTime(nanoseconds: Int64($0))) })
    for index in stride(from: 0, to: 200, by: 2) { queue.value.cancel(sleepers.value[index]) }
    await withTaskGroup(of: (Int, Bool).self) { group in
      let (added, signal) = AsyncStream<Void>.makeStream()
      for index in 0..<200 {
        group.addTask {
          (
            index,
            await withUnsafeContinuation { continuation in
              queue.value.add(sleepers.value[index], continuation)
              signal.yield()
            }
          )
        }
        var iterator = added.makeAsyncIterator()
        await iterator.next()
      }
      #expect(queue.value.count == 100)
      #expect(queue.value.nextDeadline == MonotonicTime(nanoseconds: 1))
      for index in 150..<200 { queue.value.cancel(sleepers.value[index]) }
      #expect(queue.value.count == 75)
      #expect(queue.value.fire(now: MonotonicTime(nanoseconds: 99)))
      #expect(queue.value.count == 25)
      #expect(queue.value.fire(now: MonotonicTime(nanoseconds: 1000)))
      #expect(!queue.value.fire(now: MonotonicTime(nanoseconds: 2000)))
      var woken: Set<Int> = []
      for await (index, isTime) in group where isTime { woken.insert(index) }
      #expect(woken == Set((0..<150).filter { !$0.isMultiple(of: 2) }))
    }
  }
}
