import AFSBase
package import AFSCredentials
import AFSRPC
package import AFSTypes
import Logging
import RxCore

/// Directory contents, fetched as a whole.
extension ClientContext {
  /// A directory to search, with the status that belongs to it.
  package struct CurrentDirectory: Sendable {
    package var directory: LoadedDirectory
    package var status: FileStatus
    /// How long it holds; nil when it was good for this once.
    package var remaining: Duration?
    /// What the identity that asked may do.
    package var rights: AccessRights
  }

  /// AFS directories have 1023 pages of 2 KiB at most (OpenAFS src/dir/dir.h, BIGMAXPAGES); what a server claims
  /// beyond twice that is refused.
  private static let directoryBytesMax: UInt64 = 4 << 20

  package func cachedDirectory(of vnode: Vnode, as identity: Identity) -> CurrentDirectory? {
    guard let security = knownSecurity(for: identity, in: vnode.volume.cell)?.reference else { return nil }
    let now = now
    let found = vnode.withState { state -> CurrentDirectory? in
      guard let directory = state.directory, let status = state.status,
        directory.dataVersion == status.dataVersion, let rights = state.rights(for: security),
        let remaining = state.promise?.remaining(in: vnode.volume, now: now)
      else { return nil }
      return CurrentDirectory(directory: directory, status: status, remaining: remaining, rights: rights)
    }
    return found
  }

  package func currentDirectory(of vnode: Vnode, as identity: Identity) async throws(AFSError) -> CurrentDirectory {
    if let cached = cachedDirectory(of: vnode, as: identity) { return cached }
    try await vnode.operationLock.lock()
    defer { vnode.operationLock.release() }
    return try await lockedDirectory(of: vnode, as: identity)
  }

  /// The same for a caller which holds the vnode's operation lock.
  package func lockedDirectory(of vnode: Vnode, as identity: Identity) async throws(AFSError) -> CurrentDirectory {
    if let cached = cachedDirectory(of: vnode, as: identity) { return cached }
    let known = vnode.withState { $0.directory }
    let security = try await currentSecurity(for: identity, in: vnode.volume.cell).reference
    let isReadable = vnode.rights(for: security)?.contains(.lookup) ?? false
    if known != nil || !isReadable {
      // Often only the promise of what is known has ended: the status tells. And who may not look things up must not
      // ask for the data.
      let current: CurrentStatus
      if let cached = cachedStatus(of: vnode, as: identity) {
        current = cached
      } else {
        current = try await fetchStatus(of: vnode, as: identity)
      }
      guard current.status.kind == .directory else { throw .notDirectory }
      guard current.rights.contains(.lookup) else { throw refusal(of: identity, in: vnode.volume.cell) }
      if let known, current.status.dataVersion == known.dataVersion {
        directories.used(vnode)
        return CurrentDirectory(
          directory: known, status: current.status, remaining: current.remaining, rights: current.rights)
      }
    }
    return try await fetchDirectory(vnode, as: identity)
  }

  private func fetchDirectory(_ vnode: Vnode, as identity: Identity) async throws(AFSError) -> CurrentDirectory {
    let fetched: (bytes: [UInt8], reply: VnodeState.Reply)
    do {
      fetched = try await perform(on: vnode.volume, as: identity) { attempt throws(RxCallError) in
        try await fetchWhole(vnode, lengthMax: Self.directoryBytesMax, by: attempt)
      }
    } catch {
      noteFailure(error, of: vnode)
      throw error
    }
    guard fetched.reply.status.kind == .directory else { throw .notDirectory }
    let directory: LoadedDirectory
    do {
      directory = LoadedDirectory(
        contents: try DirectoryObject(fetched.bytes), dataVersion: fetched.reply.status.dataVersion)
    } catch {
      log.warning("directory \(vnode.fid) of cell \(vnode.volume.cell.name): \(error)")
      throw .corrupt("directory \(vnode.fid): \(error)")
    }
    let current = taken(fetched.reply, by: vnode)
    vnode.withState { $0.directory = directory }
    directories.loaded(vnode, byteCount: fetched.bytes.count)
    return CurrentDirectory(
      directory: directory, status: current.status, remaining: current.remaining, rights: current.rights)
  }

  /// Fetches all of a directory's or a symbolic link's data into memory.
  func fetchWhole(
    _ vnode: Vnode, lengthMax: UInt64, by attempt: ServerAttempt
  ) async throws(RxCallError) -> ([UInt8], VnodeState.Reply) {
    let before = vnode.snapshot(for: attempt.server)
    var bytes: [UInt8] = []
    let data = try await attempt.fetchData(AFSFid(vnode.fid), from: 0, to: lengthMax) { piece, _ throws(AFSError) in
      bytes.append(contentsOf: piece)
    }
    switch data {
    case .stopped(let error): throw .malformedReply("\(error)")
    case .complete(let status, let callBack, let sync):
      let reply = try attempt.reply(status, callBack, before: before)
      noteVolumeDate(sync, of: vnode.volume)
      return (bytes, reply)
    }
  }

  /// The text of a symbolic link or mount point.
  package func linkText(of vnode: Vnode, as identity: Identity) async throws(AFSError) -> [UInt8] {
    let status = try await currentStatus(of: vnode, as: identity).status
    if let text = vnode.withState({ $0.linkText }) { return text }
    guard status.kind == .symbolicLink else { throw .notSymbolicLink }
    do {
      let (text, reply) = try await perform(on: vnode.volume, as: identity) {
        attempt throws(RxCallError) -> ([UInt8], VnodeState.Reply) in
        try await fetchWhole(vnode, lengthMax: UInt64(RXAFSLimits.linkTextMax + 1), by: attempt)
      }
      _ = taken(reply, by: vnode)
      vnode.withState { state in
        if state.status?.dataVersion == reply.status.dataVersion { state.linkText = text }
      }
      return text
    } catch {
      noteFailure(error, of: vnode)
      throw error
    }
  }
}
