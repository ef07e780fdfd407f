import AFSBase

/// A thread on which libkrb5 is called: its calls block, for as long as servers are silent. `KerberosTokens` has one,
/// and `KerberosWatch` another where it watches a daemon's cache.
///
/// Jobs run in the order in which they come. The thread is started by the first one and ends with its owner.
final class KerberosThread: Sendable {
  private struct Queue {
    var jobs: [@Sendable () -> Void] = []
    var isStarted = false
    var isEnded = false
  }

  /// More than this many waiting jobs are a fault of ours.
  private static let jobsMax = 1024

  private let queue = Monitor(Queue())

  deinit {
    queue.change { $0.isEnded = true }
  }

  /// Runs `body` on the thread, and returns what it returns; nil when there is no thread for it.
  func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value? {
    await withCheckedContinuation { continuation in
      if !start({ continuation.resume(returning: body()) }) { continuation.resume(returning: nil) }
    }
  }

  /// Has `body` run on the thread.
  /// - Returns: false when there is no thread for it.
  func start(_ body: @escaping @Sendable () -> Void) -> Bool {
    queue.change { queue in
      guard queue.jobs.count < Self.jobsMax, startThread(&queue) else { return false }
      queue.jobs.append(body)
      return true
    }
  }

  private func startThread(_ queue: inout Queue) -> Bool {
    if queue.isStarted { return true }
    let jobs = self.queue
    queue.isStarted = WorkerThread(name: "afs-kerberos") { Self.work(jobs) } != nil
    return queue.isStarted
  }

  private static func work(_ queue: Monitor<Queue>) {
    while true {
      let job = queue.wait(until: .distantFuture) { queue -> (@Sendable () -> Void)?? in
        if !queue.jobs.isEmpty { return queue.jobs.removeFirst() }
        return queue.isEnded ? .some(nil) : nil
      }
      guard case .some(.some(let body)) = job else { return }
      body()
    }
  }
}
