import AFSBase
import Glibc
import RxCore
import Synchronization
import Testing

@testable import RxTransport

/// What other threads do in the I/O thread's place.
@Suite(.timeLimit(.minutes(2))) struct VisitTests {
  @Test("While the I/O thread sleeps, a visit runs the task that it starts on the visitor's thread")
  func inPlace() async throws {
    let thread = try RxIOThread()
    await PlainThread.run {
      // Now and then the I/O thread is just about to sleep.
      var hasRun = false
      while !hasRun {
        let runner = Atomic<UInt>(0)
        let done = PlainSemaphore()
        thread.visiting {
          start(on: thread) {
            runner.store(pthread_self(), ordering: .relaxed)
            done.signal()
          }
        }
        hasRun = runner.load(ordering: .relaxed) == pthread_self()
        done.wait()
      }
    }
    #expect(!thread.isCurrent)
    thread.end()
  }

  @Test("Within a visit another one is only its work")
  func nested() async throws {
    let thread = try RxIOThread()
    let order = await PlainThread.run {
      var order: [Int] = []
      thread.visiting {
        order.append(1)
        thread.visiting { order.append(2) }
        order.append(3)
      }
      return order
    }
    #expect(order == [1, 2, 3])
    thread.end()
  }

  @Test("In a task a visit is only its work: what it starts runs on the I/O thread")
  func fromTask() async throws {
    let thread = try RxIOThread()
    for _ in 0..<100 {
      let (runner, visitor) = await Task {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<(UInt, UInt), Never>) in
          let visitor = pthread_self()
          thread.visiting { start(on: thread) { continuation.resume(returning: (pthread_self(), visitor)) } }
        }
      }.value
      #expect(runner != visitor)
    }
    thread.end()
  }

  @Test("A sleep that begins in a visit ends, though the I/O thread sleeps without limit")
  func sleeps() async throws {
    let thread = try RxIOThread()
    let timer = LoopTimer(thread)
    let lateness = await PlainThread.run {
      let lateness = Mutex<[Duration]>([])
      for _ in 0..<20 {
        let done = PlainSemaphore()
        thread.visiting {
          start(on: thread) {
            let deadline = timer.now + .milliseconds(2)
            try? await timer.sleep(until: deadline)
            lateness.withLock { $0.append(timer.now - deadline) }
            done.signal()
          }
        }
        done.wait()
      }
      return lateness.withLock { $0 }
    }
    #expect(lateness.count == 20)
    #expect(lateness.allSatisfy { $0 >= .zero })
    thread.end()
  }

  @Test("Calls that several visitors begin at once all end", arguments: [1, 4])
  func calls(visitors: Int) async throws {
    let pair = try LoopbackPair()
    let (client, target) = (pair.client, pair.target(9))
    let answers = await withTaskGroup(of: Int.self) { group in
      for visitor in 0..<visitors {
        group.addTask {
          await PlainThread.run {
            let answers = Atomic(0)
            for number in 0..<500 {
              let request = [UInt8(truncatingIfNeeded: visitor), UInt8(truncatingIfNeeded: number)]
              let done = PlainSemaphore()
              client.visiting {
                start(on: client.executor) {
                  let reply = try? await client.roundTrip(request, to: target, options: .init(), replyMax: 100)
                  if reply == request { answers.add(1, ordering: .relaxed) }
                  done.signal()
                }
              }
              done.wait()
            }
            return answers.load(ordering: .relaxed)
          }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(answers == visitors * 500)
    await pair.shutDown()
  }

  @Test("What visitors start is done although the I/O thread ends meanwhile")
  func end() async throws {
    for _ in 0..<50 {
      let thread = try RxIOThread()
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<3 {
          group.addTask {
            await PlainThread.run {
              for _ in 0..<50 {
                let done = PlainSemaphore()
                thread.visiting { start(on: thread) { done.signal() } }
                done.wait()
              }
            }
          }
        }
        thread.end()
      }
    }
  }
}

/// Not a closure of a test: that would make the task's body inherit the test's isolation and task locals.
private func start(on executor: any TaskExecutor, _ body: @escaping @Sendable () async -> Void) {
  Task(executorPreference: executor) { await body() }
}
