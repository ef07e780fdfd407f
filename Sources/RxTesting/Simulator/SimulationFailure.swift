/// Why a simulation could not come to its end.
public enum SimulationFailure: Error, Sendable, CustomStringConvertible {
  /// Nothing can happen any more, and the test's task has not ended.
  case deadlock(String)
  /// More turns than the limit: something goes in circles.
  case tooManySteps(String)
  /// More virtual time than the limit.
  case tooLate(String)
  /// Work came from another thread: a task has left the simulation (a bare `Task { }`, or another executor).
  case escaped(String)

  public var description: String {
    switch self {
    case .deadlock(let state): "deadlock: nothing can happen any more; \(state)"
    case .tooManySteps(let state): "step limit reached; \(state)"
    case .tooLate(let state): "time limit reached; \(state)"
    case .escaped(let state): "a task has left the simulation's thread; \(state)"
    }
  }
}
