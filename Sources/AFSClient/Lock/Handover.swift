import AFSBase
import Synchronization

/// What one task makes for another, who may be gone when it is there.
final class Handover<Value: Sendable>: Sendable {
  private enum State {
    case open
    case given(Value)
    case gone
  }

  private let state = Mutex(State.open)
  private let completion = Completion()

  /// - Returns: false when nobody waits for it any more: the value is the maker's to deal with.
  func give(_ value: Value) -> Bool {
    let isWanted = state.withLock { state in
      guard case .open = state else { return false }
      state = .given(value)
      return true
    }
    completion.complete()
    return isWanted
  }

  /// Waits for the value, once; nil when the task was cancelled before it was there.
  func take() async -> Value? {
    await completion.wait()
    return state.withLock { state in
      defer { state = .gone }
      guard case .given(let value) = state else { return nil }
      return value
    }
  }
}
