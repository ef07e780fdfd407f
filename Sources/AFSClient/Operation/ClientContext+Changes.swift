import AFSBase
import AFSCredentials
import AFSRPC
import AFSTypes
import RxCore
import RxTransport

/// Calls which change a directory. The caller holds the operation lock of every directory that it changes.
extension ClientContext {
  /// Makes a change of one directory; then edits its contents in memory when nobody else changed it meanwhile.
  func change<R: Sendable>(
    _ directory: Vnode, as identity: Identity,
    call: (ServerAttempt) async throws(RxCallError) -> (R, AFSFetchStatus), edits: (R) -> [DirectoryEdit]
  ) async throws(AFSError) -> R {
    directory.changeBegins()
    let result: R
    let reply: VnodeState.Reply
    do {
      (result, reply) = try await perform(on: directory.volume, as: identity, repeatable: false) {
        attempt throws(RxCallError) -> (R, VnodeState.Reply) in
        let before = directory.snapshot(for: attempt.server)
        let (result, status) = try await call(attempt)
        return (result, try attempt.reply(status, nil, before: before))
      }
    } catch {
      changeFailed(directory, error)
      throw error
    }
    changed(directory, reply, edits: edits(result))
    return result
  }

  func changeFailed(_ vnode: Vnode, _ error: AFSError) {
    vnode.changeFailed(unchanged: error.provesNoChange)
    if error == .stale {
      noteFailure(error, of: vnode)
    } else if !error.provesNoChange {
      // The server may have done it or not: the kernel must ask again too.
      invalidations.vnodeChanged(vnode)
    }
  }

  /// Takes the directory status that a change left, and edits the contents.
  func changed(_ directory: Vnode, _ reply: VnodeState.Reply, edits: [DirectoryEdit]) {
    let isOnlyChange = directory.changeEnded(reply)
    let version = reply.status.dataVersion
    directory.withState { state in
      guard var loaded = state.directory else { return }
      // Not held twice while it is edited: else it would be copied as a whole.
      state.directory = nil
      guard isOnlyChange, loaded.dataVersion.rawValue &+ 1 == version.rawValue,
        loaded.apply(edits, leadingTo: version)
      else { return }
      state.directory = loaded
    }
  }

  // MARK: New files

  /// What a call that makes a file tells of it.
  struct Creation: Sendable {
    var fid: FID
    var status: FileStatus
    var promise: CallbackPromise?
    var before: BreakSnapshot
    var server: Fileserver
    var security: RxClientSecurityReference
    var unmatchedBreaks: UInt64
  }

  func createFile(
    _ name: [UInt8], in directory: Vnode, permissions: UInt16, as identity: Identity
  ) async throws(AFSError) -> (Vnode, CurrentStatus) {
    let wanted = AFSStoreStatus(permissions: permissions, modified: timer.wallTime)
    let fid = AFSFid(directory.fid)
    return try await create(name, in: directory, as: identity) { attempt throws(RxCallError) in
      let results = try await attempt.client.createFile(directory: fid, name: name, storeStatus: wanted)
      return (results.fid, results.status, results.callBack, results.directoryStatus)
    }
  }

  func makeDirectory(
    _ name: [UInt8], in directory: Vnode, permissions: UInt16, as identity: Identity
  ) async throws(AFSError) -> (Vnode, CurrentStatus) {
    let wanted = AFSStoreStatus(permissions: permissions, modified: timer.wallTime)
    let fid = AFSFid(directory.fid)
    return try await create(name, in: directory, as: identity) { attempt throws(RxCallError) in
      let results = try await attempt.client.makeDir(directory: fid, name: name, storeStatus: wanted)
      return (results.fid, results.status, results.callBack, results.directoryStatus)
    }
  }

  /// - Parameter permissions: 0o755 for a symbolic link; 0o644 would make a mount point.
  func makeSymbolicLink(
    _ name: [UInt8], in directory: Vnode, text: [UInt8], permissions: UInt16, as identity: Identity
  ) async throws(AFSError) -> (Vnode, CurrentStatus) {
    let wanted = AFSStoreStatus(permissions: permissions, modified: timer.wallTime)
    let fid = AFSFid(directory.fid)
    let created = try await create(name, in: directory, as: identity) { attempt throws(RxCallError) in
      let results = try await attempt.client.symlink(directory: fid, name: name, target: text, storeStatus: wanted)
      return (results.fid, results.status, nil, results.directoryStatus)
    }
    created.0.withState { $0.linkText = text }
    return created
  }

  private func create(
    _ name: [UInt8], in directory: Vnode, as identity: Identity,
    call: (ServerAttempt) async throws(RxCallError) -> (AFSFid, AFSFetchStatus, AFSCallBack?, AFSFetchStatus)
  ) async throws(AFSError) -> (Vnode, CurrentStatus) {
    let creation = try await change(directory, as: identity) {
      attempt throws(RxCallError) -> (Creation, AFSFetchStatus) in
      let unmatched = directory.volume.unmatchedBreaks
      let snapshot = directory.snapshot(for: attempt.server)
      let before = BreakSnapshot(
        vnodeBreaks: 0, volumeBreaks: snapshot.volumeBreaks, serverBreaks: snapshot.serverBreaks, changes: 0)
      let (fid, status, callBack, directoryStatus) = try await call(attempt)
      let reply = try attempt.reply(status, callBack, before: before)
      let creation = Creation(
        fid: FID(fid), status: reply.status, promise: reply.promise, before: before, server: attempt.server,
        security: attempt.security, unmatchedBreaks: unmatched)
      return (creation, directoryStatus)
    } edits: {
      [.insert(name, $0.fid)]
    }
    let vnode = vnodes.vnode(for: creation.fid, in: directory.volume)
    // A break that came before the vnode was in the table had nowhere to go but this counter.
    let promise = directory.volume.unmatchedBreaks == creation.unmatchedBreaks ? creation.promise : nil
    let reply = VnodeState.Reply(
      status: creation.status, promise: promise, before: creation.before, server: creation.server,
      security: creation.security)
    return (vnode, taken(reply, by: vnode))
  }

  // MARK: Names of files that exist

  func makeLink(
    _ name: [UInt8], in directory: Vnode, to file: Vnode, as identity: Identity
  ) async throws(AFSError) {
    let (directoryFid, fileFid) = (AFSFid(directory.fid), AFSFid(file.fid))
    file.changeBegins()
    do {
      let reply = try await change(directory, as: identity) {
        attempt throws(RxCallError) -> (VnodeState.Reply, AFSFetchStatus) in
        let before = file.snapshot(for: attempt.server)
        let results = try await attempt.client.link(directory: directoryFid, name: name, existing: fileFid)
        return (try attempt.reply(results.status, nil, before: before), results.directoryStatus)
      } edits: { _ in
        [.insert(name, file.fid)]
      }
      _ = file.changeEnded(reply)
    } catch {
      changeFailed(file, error)
      throw error
    }
  }

  /// - Parameter file: what the name means, if that is in memory.
  func removeFile(
    _ name: [UInt8], from directory: Vnode, file: Vnode?, as identity: Identity
  ) async throws(AFSError) {
    let fid = AFSFid(directory.fid)
    try await change(directory, as: identity) { attempt throws(RxCallError) -> (Void, AFSFetchStatus) in
      ((), try await attempt.client.removeFile(directory: fid, name: name).directoryStatus)
    } edits: {
      [.remove(name)]
    }
    file?.nameRemoved()
  }

  func removeDirectory(
    _ name: [UInt8], from directory: Vnode, child: Vnode?, as identity: Identity
  ) async throws(AFSError) {
    let fid = AFSFid(directory.fid)
    do {
      try await change(directory, as: identity) { attempt throws(RxCallError) -> (Void, AFSFetchStatus) in
        ((), try await attempt.client.removeDir(directory: fid, name: name).directoryStatus)
      } edits: {
        [.remove(name)]
      }
    } catch .alreadyExists {
      // The server's word for a directory with entries (OpenAFS src/viced/afsfileprocs.c, DeleteTarget).
      throw .notEmpty
    } catch {
      throw error
    }
    child?.withState { $0.removed() }
  }

  /// One Rename, and what it does to the contents of both directories in memory.
  func rename(
    _ name: [UInt8], in source: Vnode, to newName: [UInt8], in destination: Vnode, moving fid: FID,
    replacing: Bool, as identity: Identity
  ) async throws(AFSError) {
    let (sourceFid, destinationFid) = (AFSFid(source.fid), AFSFid(destination.fid))
    if source === destination {
      try await change(source, as: identity) { attempt throws(RxCallError) -> (Void, AFSFetchStatus) in
        let results = try await attempt.client.rename(
          oldDirectory: sourceFid, oldName: name, newDirectory: destinationFid, newName: newName)
        return ((), results.newDirectoryStatus)
      } edits: {
        // In the server's order (OpenAFS src/viced/afsfileprocs.c, SAFSS_Rename): the new name then gets the same place.
        (replacing ? [.remove(newName)] : []) + [.insert(newName, fid), .remove(name)]
      }
      return
    }
    destination.changeBegins()
    do {
      let reply = try await change(source, as: identity) {
        attempt throws(RxCallError) -> (VnodeState.Reply, AFSFetchStatus) in
        let before = destination.snapshot(for: attempt.server)
        let results = try await attempt.client.rename(
          oldDirectory: sourceFid, oldName: name, newDirectory: destinationFid, newName: newName)
        return (try attempt.reply(results.newDirectoryStatus, nil, before: before), results.oldDirectoryStatus)
      } edits: { _ in
        [.remove(name)]
      }
      changed(destination, reply, edits: (replacing ? [.remove(newName)] : []) + [.insert(newName, fid)])
    } catch {
      changeFailed(destination, error)
      throw error
    }
  }
}

extension Vnode {
  /// One of the file's names was removed, by us.
  func nameRemoved() {
    withState { state in
      if let status = state.status, status.linkCount > 1 {
        state.distrust()
      } else {
        state.removed()
      }
    }
  }
}

extension AFSError {
  /// The server refused, and for a reason that does not show our view of the directory to be wrong. After any other
  /// error what we know of the files concerned must be asked for again.
  var provesNoChange: Bool {
    switch self {
    case .notEmpty, .accessDenied, .notPermitted, .readOnly, .quotaExceeded, .noSpace, .directoryFull, .nameTooLong,
      .invalidName,
      .invalidArgument, .crossDevice, .tooManyLinks, .fileTooLarge, .notSupported, .tokenExpired, .noSuchCell,
      .noSuchVolume, .volumeOffline, .wouldBlock, .notSymbolicLink, .noAttribute, .tooManySymbolicLinks:
      true
    case .notFound, .alreadyExists, .notDirectory, .isDirectory, .busy, .interrupted, .stale, .timedOut,
      .unreachable, .corrupt, .cacheFailure, .aborted, .system, .shutDown:
      false
    }
  }
}
