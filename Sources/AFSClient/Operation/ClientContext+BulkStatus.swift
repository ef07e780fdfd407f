import AFSBase
package import AFSCredentials
import AFSRPC
import AFSTypes
import RxCore

/// Statuses of one or many files in one call.
///
/// InlineBulkStatus serves for one file too: what it says of a file that may not be read is part of its results. A
/// fileserver delays each abort by 3 seconds once it has sent a connection ten of the same code (OpenAFS src/rx/rx.c,
/// rxi_SendCallAbort, and viced's -abortthreshold): whatever can be refused here must not be refused there.
extension ClientContext {
  /// What a bulk call says of one file.
  enum StatusOutcome: Sendable {
    case status(VnodeState.Reply)
    case refused(AFSError)
  }

  /// Asks for the status of those `vnodes` (of one volume, 50 at most) of which none is trusted. Files that can't be
  /// read leave theirs unknown.
  /// - Throws: when the whole call failed.
  package func fetchStatuses(of vnodes: [Vnode], as identity: Identity) async throws(AFSError) {
    guard let cell = vnodes.first?.volume.cell else { return }
    let security = try await currentSecurity(for: identity, in: cell).reference
    let now = now
    let wanted = vnodes.prefix(RXAFSLimits.callbacksPerCall).filter { vnode in
      (vnode.trustedStatus(now: now) == nil || vnode.rights(for: security) == nil)
        && !vnode.isKnownRefused(for: security, now: now)
    }
    guard let first = wanted.first else { return }
    let outcomes = try await statusOutcomes(of: Array(wanted), on: first.volume, as: identity)
    for (vnode, outcome) in zip(wanted, outcomes) { _ = take(outcome, by: vnode, security) }
  }

  func statusOutcomes(
    of vnodes: [Vnode], on volume: Volume, as identity: Identity
  ) async throws(AFSError) -> [StatusOutcome] {
    let fids = vnodes.map { AFSFid($0.fid) }
    return try await perform(on: volume, as: identity) { attempt throws(RxCallError) in
      let before = vnodes.map { $0.snapshot(for: attempt.server) }
      let results = try await Self.inlineBulkStatus(of: fids, by: attempt)
      guard results.statuses.count == fids.count, results.callBacks.count == fids.count else {
        throw .malformedReply("InlineBulkStatus: \(results.statuses.count) statuses for \(fids.count) files")
      }
      noteVolumeDate(results.sync, of: volume)
      var outcomes: [StatusOutcome] = []
      for index in fids.indices {
        let status = results.statuses[index]
        if let code = status.error {
          // What is wrong with the volume or the server concerns the call, not the file.
          if code.isVolumeTrouble { throw .aborted(code) }
          let error = AFSError(code)
          outcomes.append(.refused(error == .accessDenied ? refusal(of: identity, in: volume.cell) : error))
        } else if let reply = try? attempt.reply(status, results.callBacks[index], before: before[index]) {
          outcomes.append(.status(reply))
        } else {
          outcomes.append(.refused(.corrupt("file status of \(fids[index])")))
        }
      }
      return outcomes
    }
  }

  /// Hands an outcome to its vnode.
  func take(
    _ outcome: StatusOutcome, by vnode: Vnode, _ security: RxClientSecurityReference
  ) -> Result<CurrentStatus, AFSError> {
    switch outcome {
    case .status(let reply): return .success(taken(reply, by: vnode))
    case .refused(let error):
      noteFailure(error, of: vnode)
      if error == .accessDenied || error == .tokenExpired {
        vnode.refused(for: security, until: now + Self.refusalValidity)
      }
      return .failure(error)
    }
  }

  /// How long it is remembered that a user may not even see a file's status. No callback tells when that changes.
  private static let refusalValidity = Duration.seconds(3)

  /// InlineBulkStatus; at a server which does not know it BulkStatus, or FetchStatus for one file.
  private static func inlineBulkStatus(
    of fids: [AFSFid], by attempt: ServerAttempt
  ) async throws(RxCallError) -> (statuses: [AFSFetchStatus], callBacks: [AFSCallBack], sync: AFSVolSync) {
    do {
      let results = try await attempt.client.inlineBulkStatus(fids: fids)
      return (results.statuses, results.callBacks, results.sync)
    } catch .aborted(.rxgenOpcode) {
      // An old server.
    } catch {
      throw error
    }
    if fids.count == 1 {
      let results = try await attempt.client.fetchStatus(fid: fids[0])
      return ([results.status], [results.callBack], results.sync)
    }
    let results = try await attempt.client.bulkStatus(fids: fids)
    return (results.statuses, results.callBacks, results.sync)
  }
}

extension AbortCode {
  /// Says something of the volume or the server as a whole: another server or another time may do better.
  var isVolumeTrouble: Bool {
    switch self {
    case .vBusy, .vRestarting, .vMoved, .vNoVol, .vOffline, .vSalvage, .vSalvaging, .vNoService, .vIO: true
    default: false
    }
  }
}
