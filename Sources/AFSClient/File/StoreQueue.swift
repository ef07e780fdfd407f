internal import AFSCache
internal import AFSCredentials

/// Who waits for a file's stores, and which pass over its changed ranges is under way.
///
/// A *pass* stores what was changed when it began: who asks for a store waits for the end of the first pass that
/// begins after the question, so that a busy writer beside him cannot keep him for ever.
struct StoreQueue {
  struct Waiter {
    var identity: Identity
    var durable: Bool
    var continuation: FileContents.Continuation
  }

  struct Pass {
    /// Ranges which were dirty at the start and were not yet looked at.
    var remaining: RangeSet
    var identity: Identity
    var durable: Bool
    /// The waiters it serves.
    var waiters: Set<UInt64>
  }

  /// A task is at work for this file.
  var isRunning = false
  var waiting: [UInt64: Waiter] = [:]
  var pass: Pass?
  /// Writers which wait until less is changed.
  var writers: [UInt64: FileContents.Continuation] = [:]
  /// Something was stored which the server was not asked to commit to its disk.
  var isUncommitted = false
  /// All that is changed is to be stored, because all files together have too much.
  var isForRoom = false
  /// How the last call failed, until a change or a success.
  var lastFailure: AFSError?
  /// After a failure nothing is stored unasked until more than this many bytes are changed.
  var unaskedAbove: UInt64 = 0

  /// Begins a pass for everybody who waits by now.
  mutating func beginPass(over dirty: RangeSet) {
    guard pass == nil, let first = waiting.min(by: { $0.key < $1.key })?.value else { return }
    pass = Pass(
      remaining: dirty, identity: first.identity, durable: waiting.values.contains { $0.durable },
      waiters: Set(waiting.keys))
  }

  /// Ends the pass: the continuations of those whom it served.
  mutating func endPass() -> [FileContents.Continuation] {
    guard let ended = pass else { return [] }
    pass = nil
    return ended.waiters.compactMap { waiting.removeValue(forKey: $0)?.continuation }
  }

  mutating func takeWriters() -> [FileContents.Continuation] {
    guard !writers.isEmpty else { return [] }
    defer { writers.removeAll() }
    return Array(writers.values)
  }

  /// All who wait, because a call has failed.
  mutating func takeAll() -> [FileContents.Continuation] {
    pass = nil
    defer { waiting.removeAll() }
    return waiting.values.map(\.continuation) + takeWriters()
  }
}
