import AFSBase
import AFSClient
import Testing

@testable import AFSFuse

@Suite struct InvalidationQueueTests {
  private func job(_ number: UInt64) -> InvalidationQueue.Job {
    .one(.contents(MemoryFileSystem.key(number, mount: 0).file))
  }

  @Test("What waits already is not queued again, what runs is")
  func duplicates() {
    var queue = InvalidationQueue(pendingMax: 10)
    queue.add(job(1))
    queue.add(job(1))
    #expect(queue.pendingCount == 1)
    let running = queue.next()
    #expect(running?.job == job(1))
    queue.add(job(1))
    #expect(queue.pendingCount == 1)
  }

  @Test("Jobs come in order")
  func order() {
    var queue = InvalidationQueue(pendingMax: 10)
    for number in 1...3 { queue.add(job(UInt64(number))) }
    let taken = (0..<4).map { _ in queue.next()?.job }
    #expect(taken == [job(1), job(2), job(3), nil])
  }

  @Test("Too many jobs become one that concerns everything")
  func overflow() {
    var queue = InvalidationQueue(pendingMax: 3)
    for number in 1...4 { queue.add(job(UInt64(number))) }
    #expect(queue.pendingCount == 1)
    let all = queue.next()?.job
    #expect(all == .everything)
    queue.add(job(9))
    let later = queue.next()?.job
    #expect(later == job(9))
  }

  @Test("Nobody waits for an empty queue; others until all before them is done")
  func waiting() async throws {
    var queue = InvalidationQueue(pendingMax: 10)
    await withCheckedContinuation { continuation in
      let waits = queue.wait(until: .distantFuture, continuation)
      #expect(!waits)
      continuation.resume()
    }
    queue.add(job(1))
    queue.add(job(2))
    let (first, second) = (queue.next()!, queue.next()!)
    await withCheckedContinuation { continuation in
      let waits = queue.wait(until: MonotonicTime(nanoseconds: 50), continuation)
      #expect(waits)
      queue.add(job(3))
      // The second is done, the first is not: still waiting.
      let early = queue.finish(second.ticket)
      #expect(early.isEmpty)
      #expect(queue.nextTimeout == MonotonicTime(nanoseconds: 50))
      let tooEarly = queue.timeout(now: MonotonicTime(nanoseconds: 49))
      #expect(tooEarly.isEmpty)
      let done = queue.finish(first.ticket)
      #expect(done.count == 1, "job 3 came later")
      for waiter in done { waiter.continuation.resume() }
    }
    #expect(queue.nextTimeout == .distantFuture)
  }

  @Test("A waiter's time runs out")
  func timeout() async {
    var queue = InvalidationQueue(pendingMax: 10)
    queue.add(job(1))
    await withCheckedContinuation { continuation in
      let waits = queue.wait(until: MonotonicTime(nanoseconds: 50), continuation)
      #expect(waits)
      let late = queue.timeout(now: MonotonicTime(nanoseconds: 50))
      #expect(late.count == 1)
      for waiter in late { waiter.continuation.resume() }
    }
  }

  @Test("A retry comes when it is due")
  func retry() {
    var queue = InvalidationQueue(pendingMax: 10)
    let retry = InvalidationQueue.Retry(node: 5, subject: .inode(contents: true), attempt: 1)
    queue.delay(retry, until: MonotonicTime(nanoseconds: 7))
    #expect(queue.nextTimeout == MonotonicTime(nanoseconds: 7))
    _ = queue.timeout(now: MonotonicTime(nanoseconds: 6))
    let early = queue.next()?.job
    #expect(early == nil)
    _ = queue.timeout(now: MonotonicTime(nanoseconds: 7))
    let due = queue.next()?.job
    #expect(due == .again(retry))
    #expect(queue.nextTimeout == .distantFuture)
  }

  @Test("Retries beyond the bound become one of everything, when the last of them would have been due")
  func tooManyRetries() {
    var queue = InvalidationQueue(pendingMax: 4)
    for node in 0..<5 {
      queue.delay(
        .init(node: UInt64(node), subject: .inode(contents: true), attempt: 1), until: .zero + .milliseconds(10 * node))
    }
    #expect(queue.nextTimeout == .zero + .milliseconds(40))
    _ = queue.timeout(now: .zero + .milliseconds(39))
    let none = queue.next()
    #expect(none == nil)
    _ = queue.timeout(now: .zero + .milliseconds(40))
    let (first, second) = (queue.next(), queue.next())
    #expect(first?.job == .everything)
    #expect(second == nil)
    #expect(queue.nextTimeout == .distantFuture)
  }
}
