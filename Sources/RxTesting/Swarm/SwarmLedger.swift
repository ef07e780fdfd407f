import AFSBase
import AFSTypes
import RxCore

/// What both hosts and the run know of all calls: how each ended, how often it was served, and what broke a rule.
final class SwarmLedger {
  let plan: SwarmPlan
  private(set) var completions: [UInt64: RxCompletion] = [:]
  /// Calls whose client was started anew.
  private(set) var forgotten: Set<UInt64> = []
  private(set) var served: [UInt64: Int] = [:]
  /// Ids of calls which the server saw succeed.
  private(set) var delivered: Set<UInt64> = []
  /// Ids of calls whose server gave the client up, and might not even ask whether it was there: an address that is not
  /// proven is not sent more than came from it.
  private(set) var unaskable: Set<UInt64> = []
  private(set) var violations: [String] = []
  var restarts = [0, 0]

  init(plan: SwarmPlan) {
    self.plan = plan
  }

  func violated(_ text: String) {
    if violations.count < 20 { violations.append(text) }
  }

  func job(_ id: UInt64) -> SwarmJob? { id < UInt64(plan.jobs.count) ? plan.jobs[Int(id)] : nil }

  var isDone: Bool { completions.count + forgotten.count == plan.jobs.count }

  var unfinished: [UInt64] {
    plan.jobs.map(\.id).filter { completions[$0] == nil && !forgotten.contains($0) }
  }

  /// Whether the network may damage bytes that nothing protects.
  func isUnprotected(_ job: SwarmJob) -> Bool { plan.corruption == .unfound && !job.isSecure }

  // MARK: Events

  func forgot(_ id: UInt64) { forgotten.insert(id) }

  func began(serving job: SwarmJob) {
    served[job.id, default: 0] += 1
    let most = 1 + restarts[1 - job.side]
    // An error from the network ends a server's calls as a new start would.
    if served[job.id]! > most, !isUnprotected(job), !plan.hasNetworkErrors {
      violated("call \(job.id) was served \(served[job.id]!) times")
    }
  }

  /// - Parameter isMute: not even a question could be sent to its client.
  func served(_ job: SwarmJob, _ completion: RxCompletion, replied: Bool, isMute: Bool) {
    if completion == .failure(.timedOut(.dead)), isMute { unaskable.insert(job.id) }
    if completion == .success {
      delivered.insert(job.id)
      if !replied { violated("call \(job.id): its server heard of success before it replied") }
    }
  }

  /// A client's call ended.
  /// - Parameter age: how long it lived by the client's clock.
  func ended(_ job: SwarmJob, _ completion: RxCompletion, age: Duration, cancelled: Bool) {
    if completions.updateValue(completion, forKey: job.id) != nil { violated("call \(job.id) ended twice") }
    if !isExpected(completion, job, age: age, cancelled: cancelled) {
      violated("call \(job.id) ended with \(completion) after \(age)")
    }
    if let deadline = job.deadline, age > deadline, !plan.hasSilence {
      violated("call \(job.id) ended \(age) after its beginning, with a deadline of \(deadline)")
    }
    if completion == .success, served[job.id] == nil, !isUnprotected(job) {
      violated("call \(job.id) succeeded without having been served")
    }
  }

  // MARK: Rules

  private func isExpected(_ completion: RxCompletion, _ job: SwarmJob, age: Duration, cancelled: Bool) -> Bool {
    guard case .failure(let error) = completion else {
      // A service's number may be damaged into that of another, which serves the call (no class covers the number); and a
      // connection's into one that is opened later, which without protection takes the reply for its own.
      return job.service != SwarmNode.unknownService || isUnprotected(job)
        || plan.corruption == .unfound && served[job.id] != nil
    }
    switch error {
    case .timedOut(.hard): return job.deadline.map { age >= $0 } ?? false
    case .timedOut(.dead):
      return plan.corruption == .unfound || plan.hasRestarts || plan.hasNetworkErrors
        // Calls that wait for a connection share the fate of those that found the peer dead.
        || plan.hasSilence || hidesLargePackets || age >= job.deadTime && isSilencePossible(job)
    case .timedOut(.idle): return false
    case .aborted(let code): return isExpected(code, job)
    case .abortedLocally(let code):
      return cancelled && code == SwarmNode.cancelCode || plan.corruption == .unfound && code == SwarmNode.securityCode
    case .unreachable(90): return plan.corruption == .unfound || hidesLargePackets
    case .unreachable(let errno): return plan.hasNetworkErrors && errno == SwarmNode.networkErrno
    case .security: return plan.corruption == .unfound && job.isSecure
    case .protocolViolation, .misuse, .malformedReply, .cancelled, .shutDown, .tooManyCalls: return false
    }
  }

  /// Large packets arrive neither in one piece nor in several. Over IPv6 they begin small.
  private var hidesLargePackets: Bool { plan.blackHole > 0 && !plan.conditions[0].fragmentsPass && !plan.isIPv6 }

  private func isSilencePossible(_ job: SwarmJob) -> Bool {
    plan.hasSilence || job.deadTime < .seconds(100) && plan.conditions.contains { $0.lostPerMille > 100 }
  }

  private func isExpected(_ code: AbortCode, _ job: SwarmJob) -> Bool {
    if plan.corruption == .unfound { return true }
    if job.service == SwarmNode.unknownService { return code == .rxInvalidOperation }
    if code == SwarmNode.serverCode { return job.abortAfterBytes != nil }
    if code == .rxCallTimeout { return hidesLargePackets }
    // The answer to a challenge of a server's former life.
    if code == SwarmNode.securityCode { return plan.hasRestarts && job.isSecure }
    // A server that was started anew, or has given the client up.
    return plan.hasSilence && (code == .rxCallDead || code == .rxUserAbort || code == SwarmNode.lostCode)
  }
}
