import AFSBase
import AFSTypes
import RxTransport
import Synchronization

extension MockCell {
  /// What happens to a call before it is served: it is counted, and faults strike.
  /// - Returns: the fault which strikes later, if it does.
  @discardableResult
  func begin(_ operation: String, server: Int?, volume: VolumeID?) async throws(AbortCode) -> FaultPlan.Fault? {
    let (fault, isDown) = state.withLock { state in
      state.calls[operation, default: 0] += 1
      let fault = state.faults.fault(operation: operation, server: server ?? -1, volume: volume)
      return (fault, server.map { state.servers[$0].isDown } ?? false)
    }
    if isDown { try await hang(for: .seconds(3600)) }
    switch fault {
    case .hang(let duration): try await hang(for: duration)
    case .delay(let duration): try await pause(duration)
    case .abort(let code): throw code
    case .abortAfterwards, .delayReply, .truncateData, .breakOff, .corruptData, nil: break
    }
    return fault
  }

  /// What happens to a call after it was served.
  func finish(_ fault: FaultPlan.Fault?) async throws(AbortCode) {
    switch fault {
    case .abortAfterwards(let code): throw code
    case .delayReply(let duration): try await pause(duration)
    case .hang, .delay, .abort, .truncateData, .breakOff, .corruptData, nil: break
    }
  }

  private func hang(for duration: Duration) async throws(AbortCode) {
    try await pause(duration)
    throw .rxCallDead
  }

  private func pause(_ duration: Duration) async throws(AbortCode) {
    do {
      try await timer.sleep(until: timer.now + duration)
    } catch {
      throw .rxCallDead
    }
  }
}
