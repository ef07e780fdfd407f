import AFSBase
import AFSRPC
import AFSTypes
import RxCore

extension MockFileService {
  /// Makes something in a directory and reports it with both statuses.
  private func make(
    _ operation: String, _ name: [UInt8], in directory: FID, _ contents: StoredVnode.Contents,
    _ wanted: AFSStoreStatus, defaultPermissions: UInt16, from call: RxIncomingCall
  ) async throws(AbortCode) -> (FID, AFSFetchStatus, AFSFetchStatus, AFSCallBack) {
    try await perform(operation, volume: directory.volume, from: call) { (state, context) throws(AbortCode) in
      let made = try change(directory.volume, in: &state) {
        (volume) throws(StorageError) -> (FID, AFSFetchStatus, AFSFetchStatus) in
        try require(.insert, on: directory, in: volume, for: context.ids)
        var new = contents
        if case .directory = contents {
          new = .directory(StoredDirectory(accessList: try volume.accessList(for: directory)))
        }
        let owner = UInt32(bitPattern: context.user)
        let fid = try volume.create(
          name, in: directory, new, permissions: defaultPermissions, owner: owner, now: context.wallTime)
        try volume.update(fid) { applyStoreStatus(wanted, to: &$0, now: context.wallTime) }
        return (
          fid, try self.status(of: fid, in: volume, for: context.ids),
          try self.status(of: directory, in: volume, for: context.ids)
        )
      }
      let callback = promise(made.0, context, in: &state)
      return Done(answer: (made.0, made.1, made.2, callback), changed: [directory])
    }
  }

  func createFile(
    _ arguments: RXAFS.CreateFile.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.CreateFile.Results {
    let made = try await make(
      "CreateFile", arguments.name, in: arguments.directory.fid, .file(FilePages()), arguments.storeStatus,
      defaultPermissions: 0o644, from: call)
    return .init(fid: AFSFid(made.0), status: made.1, directoryStatus: made.2, callBack: made.3, sync: AFSVolSync())
  }

  func makeDir(
    _ arguments: RXAFS.MakeDir.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.MakeDir.Results {
    let made = try await make(
      "MakeDir", arguments.name, in: arguments.directory.fid, .directory(StoredDirectory(accessList: AccessList())),
      arguments.storeStatus, defaultPermissions: 0o755, from: call)
    return .init(fid: AFSFid(made.0), status: made.1, directoryStatus: made.2, callBack: made.3, sync: AFSVolSync())
  }

  func symlink(
    _ arguments: RXAFS.Symlink.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.Symlink.Results {
    let made = try await make(
      "Symlink", arguments.name, in: arguments.directory.fid, .symbolicLink(arguments.target), arguments.storeStatus,
      defaultPermissions: 0o755, from: call)
    return .init(fid: AFSFid(made.0), status: made.1, directoryStatus: made.2, sync: AFSVolSync())
  }

  func link(_ arguments: RXAFS.Link.Arguments, from call: RxIncomingCall) async throws(AbortCode) -> RXAFS.Link.Results
  {
    let (directory, existing) = (arguments.directory.fid, arguments.existing.fid)
    return try await perform("Link", volume: directory.volume, from: call) { (state, context) throws(AbortCode) in
      let (status, directoryStatus) = try change(directory.volume, in: &state) {
        (volume) throws(StorageError) -> (AFSFetchStatus, AFSFetchStatus) in
        try require([.insert, .write], on: directory, in: volume, for: context.ids)
        try volume.link(arguments.name, in: directory, to: existing, now: context.wallTime)
        return (
          try self.status(of: existing, in: volume, for: context.ids),
          try self.status(of: directory, in: volume, for: context.ids)
        )
      }
      return Done(
        answer: .init(status: status, directoryStatus: directoryStatus, sync: AFSVolSync()),
        changed: [directory, existing])
    }
  }

  func removeFile(
    _ arguments: RXAFS.RemoveFile.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.RemoveFile.Results {
    let status = try await remove("RemoveFile", arguments.name, from: arguments.directory.fid, call) {
      (volume, name, directory, now) throws(StorageError) in try volume.removeFile(name, from: directory, now: now)
    }
    return .init(directoryStatus: status, sync: AFSVolSync())
  }

  func removeDir(
    _ arguments: RXAFS.RemoveDir.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.RemoveDir.Results {
    let status = try await remove("RemoveDir", arguments.name, from: arguments.directory.fid, call) {
      (volume, name, directory, now) throws(StorageError) in try volume.removeDirectory(name, from: directory, now: now)
    }
    return .init(directoryStatus: status, sync: AFSVolSync())
  }

  private func remove(
    _ operation: String, _ name: [UInt8], from directory: FID, _ call: RxIncomingCall,
    _ removal: (inout StoredVolume, [UInt8], FID, WallTime) throws(StorageError) -> FID
  ) async throws(AbortCode) -> AFSFetchStatus {
    try await perform(operation, volume: directory.volume, from: call) { (state, context) throws(AbortCode) in
      let (removed, directoryStatus) = try change(directory.volume, in: &state) {
        (volume) throws(StorageError) -> (FID, AFSFetchStatus) in
        try require(.delete, on: directory, in: volume, for: context.ids)
        let removed = try removal(&volume, name, directory, context.wallTime)
        return (removed, try self.status(of: directory, in: volume, for: context.ids))
      }
      return Done(answer: directoryStatus, changed: [directory, removed])
    }
  }

  func rename(
    _ arguments: RXAFS.Rename.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.Rename.Results {
    let (source, target) = (arguments.oldDirectory.fid, arguments.newDirectory.fid)
    guard source.volume == target.volume else { throw StorageError.crossDevice.abortCode }
    return try await perform("Rename", volume: source.volume, from: call) { (state, context) throws(AbortCode) in
      let (renamed, old, new) = try change(source.volume, in: &state) {
        (volume) throws(StorageError) -> (StoredVolume.Renamed, AFSFetchStatus, AFSFetchStatus) in
        try require(.delete, on: source, in: volume, for: context.ids)
        try require(.insert, on: target, in: volume, for: context.ids)
        let renamed = try volume.rename(
          arguments.oldName, in: source, to: arguments.newName, in: target, now: context.wallTime)
        return (
          renamed, try self.status(of: source, in: volume, for: context.ids),
          try self.status(of: target, in: volume, for: context.ids)
        )
      }
      let changed = [source, target, renamed.moved] + (renamed.replaced.map { [$0] } ?? [])
      return Done(
        answer: .init(oldDirectoryStatus: old, newDirectoryStatus: new, sync: AFSVolSync()), changed: changed)
    }
  }

  func lookup(
    _ arguments: RXAFS.Lookup.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFS.Lookup.Results {
    let directory = arguments.directory.fid
    return try await perform("Lookup", volume: directory.volume, from: call) { (state, context) throws(AbortCode) in
      let (fid, status, directoryStatus) = try change(directory.volume, in: &state) {
        (volume) throws(StorageError) -> (FID, AFSFetchStatus, AFSFetchStatus) in
        try require(.lookup, on: directory, in: volume, for: context.ids)
        let (_, names) = try volume.directory(directory)
        guard let entry = names.lookup(arguments.name) else { throw .notFound }
        let fid = FID(volume: directory.volume, vnode: entry.vnode, unique: entry.unique)
        return (
          fid, try self.status(of: fid, in: volume, for: context.ids),
          try self.status(of: directory, in: volume, for: context.ids)
        )
      }
      let callback = promise(fid, context, in: &state)
      return Done(
        answer: .init(
          fid: AFSFid(fid), status: status, directoryStatus: directoryStatus, callBack: callback, sync: AFSVolSync()))
    }
  }
}
