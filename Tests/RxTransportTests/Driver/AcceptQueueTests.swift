import AFSBase
import AFSTypes
import RxCore
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

  private func place(
    in queue: AcceptQueue, _ loop: RxIOThread, of owner: AnyObject, _ start: @escaping @Sendable () -> Bool
  ) {
    if queue.admit() { _ = start() } else { _ = queue.enqueue(loop, of: owner, start) }
  }

  @Test("Calls of two loops wait for a handler in the order in which they came")
  func order() async throws {
    let (first, second) = (try RxIOThread(), try RxIOThread())
    let queue = AcceptQueue(handlersMax: 1)
    let record = Record()
    place(in: queue, first, of: first, record.start("a"))
    place(in: queue, second, of: second, record.start("b"))
    place(in: queue, first, of: first, record.start("c"))
    #expect(record.names.withLock { $0 } == ["a"])
    queue.handlerReturned()
    await settle(first, second)
    #expect(record.names.withLock { $0 } == ["a", "b"])
    queue.handlerReturned()
    await settle(first, second)
    #expect(record.names.withLock { $0 } == ["a", "b", "c"])
    queue.handlerReturned()
    place(in: queue, second, of: second, record.start("d"))
    #expect(record.names.withLock { $0 } == ["a", "b", "c", "d"])
    first.end()
    second.end()
  }

  @Test("A call that was given up leaves its place to the next, and those of a closed driver are forgotten")
  func givenUp() async throws {
    let (first, second) = (try RxIOThread(), try RxIOThread())
    let queue = AcceptQueue(handlersMax: 1)
    let record = Record()
    place(in: queue, first, of: first, record.start("a"))
    place(in: queue, first, of: first, record.start("gone", willRun: false))
    place(in: queue, first, of: second, record.start("closed"))
    place(in: queue, first, of: first, record.start("b"))
    queue.remove(of: second)
    queue.handlerReturned()
    await settle(first)
    await settle(first)
    #expect(record.names.withLock { $0 } == ["a", "gone", "b"])
    first.end()
    second.end()
  }

  @Test("A call that ends while it waits leaves the queue", arguments: [0, 1, 3])
  func ended(victim: Int) async throws {
    let loop = try RxIOThread()
    let left: [Int] = await withUnsafeContinuation { continuation in
      loop.submit {
        let queue = AcceptQueue(handlersMax: 0)
        let pair = Pair(loop, queue)
        let handles = (0..<4).map { _ in pair.call() }
        pair.exchange()
        var left = [queue.waitingCount]
        pair.client.abandon(handles[victim], .rxUserAbort)
        pair.exchange()
        left.append(queue.waitingCount)
        for handle in handles { pair.client.abandon(handle, .rxUserAbort) }
        pair.exchange()
        continuation.resume(returning: left + [queue.waitingCount])
      }
    }
    #expect(left == [4, 3, 0])
    loop.end()
  }

  /// Two drivers and a network between them that loses nothing and takes no time.
  private final class Pair {
    let client: RxEndpointDriver
    let server: RxEndpointDriver
    private let addresses = (
      client: RxAddress(ipv4: 0x7F00_0001, port: 1), server: RxAddress(ipv4: 0x7F00_0001, port: 2)
    )

    init(_ loop: RxIOThread, _ queue: AcceptQueue) {
      client = RxEndpointDriver(loop: loop, configuration: .init(), key: RandomKey(1, 1), now: loop.now)
      server = RxEndpointDriver(
        loop: loop, configuration: .init(), key: RandomKey(2, 2), now: loop.now, acceptQueue: queue)
      server.register(EchoService())
    }

    func call() -> RxCallHandle {
      let call = StreamCall(to: RxTarget(peer: addresses.server, service: EchoService().id), options: .init())
      var nothing = UnsafeRawBufferPointer(start: nil, count: 0)
      _ = call.progressSend(&nothing, last: true, client)
      return call.handle!
    }

    func exchange() {
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
      defer { buffer.deallocate() }
      var isIdle = false
      while !isIdle {
        isIdle = true
        for (sender, receiver, source) in [(client, server, addresses.client), (server, client, addresses.server)] {
          while let transmit = sender.nextTransmit(into: buffer) {
            isIdle = false
            for start in stride(from: 0, to: transmit.byteCount, by: transmit.segmentSize) {
              let end = min(start + transmit.segmentSize, transmit.byteCount)
              receiver.receive(UnsafeRawBufferPointer(rebasing: buffer[start..<end]), from: source)
            }
          }
          receiver.settle()
        }
      }
    }
  }
}
