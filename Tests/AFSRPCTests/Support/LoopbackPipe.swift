import AFSTypes
import RxCore
import Synchronization

/// One direction of a loopback call: bytes in order, at most `capacity` of them waiting.
final class LoopbackPipe: Sendable {
  private struct State {
    var bytes: [UInt8] = []
    var isClosed = false
    var readerError: RxCallError?
    var writerError: RxCallError?
    var waiter: CheckedContinuation<Void, Never>?
    var waitingMax = 0
  }

  private static let capacity = 10_000
  private let state = Mutex(State())

  /// The most bytes that ever waited.
  var waitingMax: Int { state.withLock { $0.waitingMax } }

  func write(_ bytes: [UInt8], last: Bool) async throws(RxCallError) {
    var rest = bytes[...]
    while true {
      let error = state.withLock { state -> RxCallError? in
        let count = min(rest.count, Self.capacity - state.bytes.count)
        state.bytes += rest.prefix(count)
        state.waitingMax = max(state.waitingMax, state.bytes.count)
        rest = rest.dropFirst(count)
        if rest.isEmpty, last { state.isClosed = true }
        return state.writerError
      }
      wake()
      if let error { throw error }
      if rest.isEmpty { return }
      await wait { $0.bytes.count < Self.capacity || $0.writerError != nil }
    }
  }

  func read(_ count: Int) async throws(RxCallError) -> [UInt8] {
    var result: [UInt8] = []
    while true {
      let (isAtEnd, error) = state.withLock { state -> (Bool, RxCallError?) in
        let taken = state.bytes.prefix(count - result.count)
        result += taken
        state.bytes.removeFirst(taken.count)
        return (state.isClosed && state.bytes.isEmpty, state.readerError)
      }
      wake()
      if let error { throw error }
      if isAtEnd || result.count == count { return result }
      await wait { !$0.bytes.isEmpty || $0.isClosed || $0.readerError != nil }
    }
  }

  func fail(reader: RxCallError, writer: RxCallError) {
    state.withLock {
      if $0.readerError == nil { $0.readerError = reader }
      if $0.writerError == nil { $0.writerError = writer }
    }
    wake()
  }

  var error: RxCallError? { state.withLock { $0.readerError } }

  private func wait(until condition: (State) -> Bool) async {
    await withCheckedContinuation { continuation in
      let isReady = state.withLock { state in
        if condition(state) { return true }
        state.waiter = continuation
        return false
      }
      if isReady { continuation.resume() }
    }
  }

  private func wake() {
    let waiter = state.withLock { state in
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }
}
