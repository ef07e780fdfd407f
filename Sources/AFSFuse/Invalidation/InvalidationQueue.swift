import AFSBase
import AFSClient
import DequeModule

/// What waits to be told to the kernel: a queue without duplicates, and who waits for it to get empty. A value.
///
/// Bounded: when more than `pendingMax` different invalidations wait, they become one that concerns everything.
struct InvalidationQueue {
  enum Job: Hashable {
    case one(Invalidation)
    /// Everything that the kernel may have cached.
    case everything
    /// Again, what came too early or while a reply was on its way.
    case again(Retry)
  }

  /// A second attempt at one node, see `KernelInvalidation`.
  struct Retry: Hashable {
    enum Subject: Hashable {
      case inode(contents: Bool)
      case names(ListedNames)
    }
    var node: UInt64
    var subject: Subject
    var attempt: Int
  }

  /// Names given to a retry; compared by identity.
  final class ListedNames: Hashable, Sendable {
    let names: NameSet
    init(_ names: NameSet) { self.names = names }
    static func == (a: ListedNames, b: ListedNames) -> Bool { a === b }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
  }

  struct Waiter {
    var ticket: UInt64
    var deadline: MonotonicTime
    var continuation: CheckedContinuation<Void, Never>
  }

  let pendingMax: Int
  private var pending: Deque<(job: Job, ticket: UInt64)> = []
  private var known: Set<Job> = []
  private var running: [UInt64] = []
  private var lastTicket: UInt64 = 0
  private var delayed: [(due: MonotonicTime, retry: Retry)] = []
  /// When everything is to be told again, in place of retries that were too many.
  private var everythingDue: MonotonicTime?
  private var waiters: [Waiter] = []

  init(pendingMax: Int) {
    self.pendingMax = pendingMax
  }

  var isEmpty: Bool { pending.isEmpty && running.isEmpty }
  var pendingCount: Int { pending.count }
  var runningCount: Int { running.count }

  mutating func add(_ job: Job) {
    if known.contains(.everything) || known.contains(job) { return }
    var job = job
    if pending.count >= pendingMax {
      // Those who wait for the dropped ones wait for this one: it takes the oldest ticket's place.
      let oldest = pending.first?.ticket ?? lastTicket
      pending = []
      known = []
      job = .everything
      pending.append((job, oldest))
    } else {
      lastTicket += 1
      pending.append((job, lastTicket))
    }
    known.insert(job)
  }

  /// Takes the next job; give its ticket to `finish` when it is done.
  mutating func next() -> (job: Job, ticket: UInt64)? {
    guard let first = pending.popFirst() else { return nil }
    known.remove(first.job)
    running.append(first.ticket)
    return first
  }

  /// - Returns: the waiters for whom all is done.
  mutating func finish(_ ticket: UInt64) -> [Waiter] {
    if let index = running.firstIndex(of: ticket) { running.remove(at: index) }
    return takeWaiters { [oldest] in $0.ticket < oldest }
  }

  /// Queues a retry for later. When too many wait they become one of everything, as soon as the last would have been due.
  mutating func delay(_ retry: Retry, until due: MonotonicTime) {
    guard delayed.count >= pendingMax else { return delayed.append((due, retry)) }
    everythingDue = max(everythingDue ?? due, delayed.map(\.due).max() ?? due, due)
    delayed = []
  }

  /// - Returns: false, when there is nothing to wait for.
  mutating func wait(until deadline: MonotonicTime, _ continuation: CheckedContinuation<Void, Never>) -> Bool {
    guard oldest <= lastTicket else { return false }
    waiters.append(Waiter(ticket: lastTicket, deadline: deadline, continuation: continuation))
    return true
  }

  /// When `timeout` wants to be called.
  var nextTimeout: MonotonicTime {
    var next = MonotonicTime.distantFuture
    for waiter in waiters where waiter.deadline < next { next = waiter.deadline }
    for entry in delayed where entry.due < next { next = entry.due }
    if let everythingDue, everythingDue < next { next = everythingDue }
    return next
  }

  /// Queues the retries that are due.
  /// - Returns: the waiters whose time has passed.
  mutating func timeout(now: MonotonicTime) -> [Waiter] {
    let due = delayed.filter { $0.due <= now }
    delayed.removeAll { $0.due <= now }
    for entry in due { add(.again(entry.retry)) }
    if let everythingDue, everythingDue <= now {
      self.everythingDue = nil
      add(.everything)
    }
    return takeWaiters { $0.deadline <= now }
  }

  mutating func takeAllWaiters() -> [Waiter] { takeWaiters { _ in true } }

  /// The ticket of the oldest job that is not done; above `lastTicket` when all are.
  private var oldest: UInt64 {
    min(running.min() ?? .max, pending.first?.ticket ?? .max, lastTicket + 1)
  }

  private mutating func takeWaiters(where isDone: (Waiter) -> Bool) -> [Waiter] {
    let done = waiters.filter(isDone)
    if !done.isEmpty { waiters.removeAll(where: isDone) }
    return done
  }
}
