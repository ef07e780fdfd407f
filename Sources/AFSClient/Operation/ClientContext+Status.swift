package import AFSBase
package import AFSCredentials
import AFSRPC
package import AFSTypes
package import RxCore

/// The status of one file, asked for when no promise stands behind what is known.
extension ClientContext {
  /// A status to work with, and how long it holds; nil when it was good for this once.
  package struct CurrentStatus: Sendable {
    package var status: FileStatus
    package var remaining: Duration?
    /// What the identity that asked may do.
    package var rights: AccessRights
  }

  /// The status, from memory when it can be trusted and the identity's rights are known.
  package func cachedStatus(of vnode: Vnode, as identity: Identity) -> CurrentStatus? {
    guard let security = knownSecurity(for: identity, in: vnode.volume.cell),
      let trusted = vnode.trustedStatus(now: now), let rights = vnode.rights(for: security.reference)
    else { return nil }
    return CurrentStatus(status: trusted.status, remaining: trusted.remaining, rights: rights)
  }

  package func currentStatus(of vnode: Vnode, as identity: Identity) async throws(AFSError) -> CurrentStatus {
    if let cached = cachedStatus(of: vnode, as: identity) { return cached }
    try await vnode.operationLock.lock()
    defer { vnode.operationLock.release() }
    // Somebody else may have asked while we waited.
    if let cached = cachedStatus(of: vnode, as: identity) { return cached }
    return try await fetchStatus(of: vnode, as: identity)
  }

  /// One question for one status.
  package func fetchStatus(of vnode: Vnode, as identity: Identity) async throws(AFSError) -> CurrentStatus {
    let security = try await currentSecurity(for: identity, in: vnode.volume.cell).reference
    if vnode.isKnownRefused(for: security, now: now) { throw refusal(of: identity, in: vnode.volume.cell) }
    do {
      let outcomes = try await statusOutcomes(of: [vnode], on: vnode.volume, as: identity)
      return try take(outcomes[0], by: vnode, security).get()
    } catch {
      noteFailure(error, of: vnode)
      throw error
    }
  }

  /// Hands a fetched status to its vnode.
  package func taken(_ reply: VnodeState.Reply, by vnode: Vnode) -> CurrentStatus {
    switch vnode.fetched(reply) {
    case .trusted:
      return CurrentStatus(
        status: reply.status, remaining: reply.promise.flatMap { $0.remaining(in: vnode.volume, now: now) },
        rights: reply.status.callerAccess)
    case .usedOnce, .crossed:
      return CurrentStatus(status: reply.status, remaining: nil, rights: reply.status.callerAccess)
    }
  }

  /// The server no longer has the file: the kernel must look its name up again.
  package func noteFailure(_ error: AFSError, of vnode: Vnode) {
    guard error == .stale else { return }
    vnode.withState { $0.removed() }
    invalidations.vnodeChanged(vnode)
  }
}

extension Vnode {
  package func rights(for security: RxClientSecurityReference) -> AccessRights? {
    withState { $0.rights(for: security) }
  }

  package func isKnownRefused(for security: RxClientSecurityReference, now: MonotonicTime) -> Bool {
    withState { $0.isRefused(for: security, now: now) }
  }

  package func refused(for security: RxClientSecurityReference, until end: MonotonicTime) {
    withState { $0.refused(for: security, until: end) }
  }
}
