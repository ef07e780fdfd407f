import Glibc
import Synchronization
import Testing

@testable import RxTransport

@Suite(.timeLimit(.minutes(1))) struct RxIOThreadTests {
  private final class Record: Sendable {
    let numbers = Mutex<[Int]>([])
    func append(_ number: Int) { numbers.withLock { $0.append(number) } }
  }

  @Test("After the thread's end what is submitted runs in the order of submission, too")
  func afterEnd() async throws {
    let thread = try RxIOThread()
    thread.end()
    let record = Record()
    await PlainThread.run {
      // Before its end the thread runs it itself.
      let runner = Atomic<UInt>(0)
      while runner.load(ordering: .acquiring) != pthread_self() {
        let isDone = PlainSemaphore()
        thread.submit {
          runner.store(pthread_self(), ordering: .releasing)
          isDone.signal()
        }
        isDone.wait()
      }
      thread.submit {
        for number in 1...3 {
          thread.submit {
            record.append(number)
            thread.submit { record.append(number + 3) }
          }
        }
        record.append(0)
      }
    }
    #expect(record.numbers.withLock { $0 } == [0, 1, 2, 3, 4, 5, 6])
  }
}
