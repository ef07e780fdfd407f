import AFSBase
import Synchronization
import Testing

@testable import RxTransport

@Suite(.timeLimit(.minutes(1))) struct AcceptQueueTests {
  /// What handlers of the test did, in order.
  private final class Record: Sendable {
    let names = Mutex<[String]>([])

    func start(_ name: String, willRun: Bool = true) -> @Sendable () -> Bool {
      {
        self.names.withLock { $0.append(name) }
        return willRun
      }
    }
  }

  private func settle(_ loops: RxIOThread...) async {
    for loop in loops {
      await withUnsafeContinuation { continuation in loop.submit { continuation.resume() } }
    }
  }

  @Test("Calls of two loops wait for a handler in the order in which they came")
  func order() async throws {
    let (first, second) = (try RxIOThread(), try RxIOThread())
    let queue = AcceptQueue(handlersMax: 1)
    let record = Record()
    queue.admit(first, of: first, record.start("a"))
    queue.admit(second, of: second, record.start("b"))
    queue.admit(first, of: first, record.start("c"))
    #expect(record.names.withLock { $0 } == ["a"])
    queue.handlerReturned()
    await settle(first, second)
    #expect(record.names.withLock { $0 } == ["a", "b"])
    queue.handlerReturned()
    await settle(first, second)
    #expect(record.names.withLock { $0 } == ["a", "b", "c"])
    queue.handlerReturned()
    queue.admit(second, of: second, record.start("d"))
    #expect(record.names.withLock { $0 } == ["a", "b", "c", "d"])
    first.end()
    second.end()
  }

  @Test("A call that was given up leaves its place to the next, and those of a closed driver are forgotten")
  func givenUp() async throws {
    let (first, second) = (try RxIOThread(), try RxIOThread())
    let queue = AcceptQueue(handlersMax: 1)
    let record = Record()
    queue.admit(first, of: first, record.start("a"))
    queue.admit(first, of: first, record.start("gone", willRun: false))
    queue.admit(first, of: second, record.start("closed"))
    queue.admit(first, of: first, record.start("b"))
    queue.remove(of: second)
    queue.handlerReturned()
    await settle(first)
    await settle(first)
    #expect(record.names.withLock { $0 } == ["a", "gone", "b"])
    first.end()
    second.end()
  }
}
