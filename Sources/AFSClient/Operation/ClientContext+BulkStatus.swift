import AFSBase
package import AFSCredentials
import AFSRPC
import AFSTypes
import RxCore

/// Statuses of many files in one call.
extension ClientContext {
  /// Asks for the status of those `vnodes` (of one volume, 50 at most) of which none is trusted. Files that can't be
  /// read leave theirs unknown.
  /// - Throws: when the whole call failed.
  package func fetchStatuses(of vnodes: [Vnode], as identity: Identity) async throws(AFSError) {
    let security = security(for: identity)
    let wanted = vnodes.prefix(RXAFSLimits.callbacksPerCall).filter { vnode in
      vnode.trustedStatus(now: now) == nil || vnode.rights(for: security) == nil
    }
    guard let first = wanted.first else { return }
    if wanted.count == 1 {
      _ = try? await fetchStatus(of: first, as: identity)
      return
    }
    let fids = wanted.map { AFSFid($0.fid) }
    let outcomes = try await perform(on: first.volume, as: identity) { attempt throws(RxCallError) in
      let before = wanted.map { $0.snapshot(for: attempt.server) }
      let results = try await Self.inlineBulkStatus(of: fids, by: attempt)
      guard results.statuses.count == fids.count, results.callBacks.count == fids.count else {
        throw .malformedReply("InlineBulkStatus: \(results.statuses.count) statuses for \(fids.count) files")
      }
      return fids.indices.map { index in
        BulkOutcome(attempt, results.statuses[index], results.callBacks[index], before: before[index])
      }
    }
    for (vnode, outcome) in zip(wanted, outcomes) {
      switch outcome {
      case .status(let reply): _ = taken(reply, by: vnode)
      case .removed: noteFailure(.stale, of: vnode)
      case .unknown: break
      }
    }
  }

  /// What a bulk call says of one file.
  private enum BulkOutcome: Sendable {
    case status(VnodeState.Reply)
    case removed
    case unknown

    init(_ attempt: ServerAttempt, _ status: AFSFetchStatus, _ callBack: AFSCallBack, before: BreakSnapshot) {
      if let error = status.error {
        self = error == .vNoVnode ? .removed : .unknown
      } else if let reply = try? attempt.reply(status, callBack, before: before) {
        self = .status(reply)
      } else {
        self = .unknown
      }
    }
  }

  /// InlineBulkStatus, or BulkStatus at a server which does not know it.
  private static func inlineBulkStatus(
    of fids: [AFSFid], by attempt: ServerAttempt
  ) async throws(RxCallError) -> (statuses: [AFSFetchStatus], callBacks: [AFSCallBack]) {
    do {
      let results = try await attempt.client.inlineBulkStatus(fids: fids)
      return (results.statuses, results.callBacks)
    } catch .aborted(.rxgenOpcode) {
      let results = try await attempt.client.bulkStatus(fids: fids)
      return (results.statuses, results.callBacks)
    } catch {
      throw error
    }
  }
}
