import CLinuxShims
import DequeModule
import Glibc
import Synchronization

/// Threads for work that blocks and cannot be told not to: one is started when there is work and none is idle, and it
/// ends when nothing is left to do. Both threads and waiting work are bounded.
final class BlockingWork: Sendable {
  struct Job: Sendable {
    var run: @Sendable () -> Void
    /// In place of `run`, when there is no thread for it.
    var refuse: @Sendable () -> Void
  }

  private struct State {
    var threads = 0
    var waiting: Deque<Job> = []
  }

  private let threadsMax: Int
  private let waitingMax: Int
  private let state = Mutex(State())

  init(threadsMax: Int, waitingMax: Int) {
    self.threadsMax = threadsMax
    self.waitingMax = waitingMax
  }

  /// Runs `job` on one of the threads, or refuses it.
  func start(_ job: Job) {
    let isNewThread: Bool? = state.withLock { state in
      if state.threads < threadsMax {
        state.threads += 1
        return true
      }
      guard state.waiting.count < waitingMax else { return nil }
      state.waiting.append(job)
      return false
    }
    switch isNewThread {
    case true: if !startThread(first: job) { threadFailed(job) }
    case false: break
    case nil: job.refuse()
    }
  }

  /// Work that came meanwhile is left to the other threads, if there are any.
  private func threadFailed(_ job: Job) {
    let orphans = state.withLock { state -> [Job] in
      state.threads -= 1
      guard state.threads == 0 else { return [] }
      defer { state.waiting = [] }
      return Array(state.waiting)
    }
    for job in [job] + orphans { job.refuse() }
  }

  private final class Worker {
    let work: BlockingWork
    let first: Job

    init(_ work: BlockingWork, first: Job) {
      self.work = work
      self.first = first
    }
  }

  private func startThread(first job: Job) -> Bool {
    var created = pthread_t()
    let reference = Unmanaged.passRetained(Worker(self, first: job))
    let result = pthread_create(
      &created, nil,
      { argument in
        afsfuse_name_thread("resolver")
        let worker = Unmanaged<Worker>.fromOpaque(argument!).takeRetainedValue()
        worker.first.run()
        while let job = worker.work.next() { job.run() }
        return nil
      }, reference.toOpaque())
    guard result == 0 else {
      reference.release()
      return false
    }
    pthread_detach(created)
    return true
  }

  /// nil: the thread is to end.
  private func next() -> Job? {
    state.withLock { state in
      if let job = state.waiting.popFirst() { return job }
      state.threads -= 1
      return nil
    }
  }
}
