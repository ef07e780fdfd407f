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
    let fid = AFSFid(vnode.fid)
    let fetched: (bytes: [UInt8], reply: VnodeState.Reply)
    do {
      fetched = try await perform(on: vnode.volume, as: identity) { attempt throws(RxCallError) in
        let before = vnode.snapshot(for: attempt.server)
        let (bytes, results) = try await Self.fetchWhole(fid, lengthMax: Self.directoryBytesMax, by: attempt)
        return (bytes, try attempt.reply(results.status, results.callBack, before: before))
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
  static func fetchWhole(
    _ fid: AFSFid, lengthMax: UInt64, by attempt: ServerAttempt
  ) async throws(RxCallError) -> ([UInt8], RXAFS.FetchData64.Results) {
    let call = try await attempt.client.startFetchData64(fid: fid, position: 0, length: Int64(lengthMax))
    guard call.length <= lengthMax else {
      call.abort(.rxgenClientUnmarshal)
      throw .malformedReply("FetchData64: \(call.length) bytes where \(lengthMax) were asked for")
    }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(call.length), alignment: 8)
    defer { buffer.deallocate() }
    let count = try await call.receive(into: buffer)
    let results = try await call.finish()
    return ([UInt8](UnsafeRawBufferPointer(rebasing: buffer[..<count])), results)
  }

  /// The text of a symbolic link or mount point.
  package func linkText(of vnode: Vnode, as identity: Identity) async throws(AFSError) -> [UInt8] {
    let status = try await currentStatus(of: vnode, as: identity).status
    if let text = vnode.withState({ $0.linkText }) { return text }
    guard status.kind == .symbolicLink else { throw .notSymbolicLink }
    let fid = AFSFid(vnode.fid)
    do {
      let (text, reply) = try await perform(on: vnode.volume, as: identity) {
        attempt throws(RxCallError) -> ([UInt8], VnodeState.Reply) in
        let before = vnode.snapshot(for: attempt.server)
        let (bytes, results) = try await Self.fetchWhole(
          fid, lengthMax: UInt64(RXAFSLimits.linkTextMax + 1), by: attempt)
        return (bytes, try attempt.reply(results.status, results.callBack, before: before))
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
