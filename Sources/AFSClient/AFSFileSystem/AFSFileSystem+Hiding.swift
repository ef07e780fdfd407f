import AFSBase
import AFSCredentials
import AFSTypes
import Logging

/// Files that are removed while open: they lie under a name that nobody looks for until their last close.
extension AFSFileSystem {
  /// Renames an open file; it is removed at its last close.
  /// - Returns: false when the file has other names, so that it lives on without.
  func hide(
    _ vnode: Vnode, named name: [UInt8], in place: Place, as identity: Identity
  ) async throws(AFSError) -> Bool {
    let status = try await context.currentStatus(of: vnode, as: identity).status
    guard status.kind == .file, status.linkCount <= 1 else { return false }
    var hidden: [UInt8]
    repeat {
      let number = String(context.randomNumber() & 0xFFFF_FFFF, radix: 16, uppercase: true)
      hidden = HiddenName.prefix + Array(number.utf8)
    } while try await existing(hidden, in: place, needing: [.insert, .delete], as: identity) != nil
    let unlinked = UnlinkedName(directory: place.vnode.key, name: hidden, identity: identity)
    let record = record(of: unlinked, vnode)
    // Before it is done: a daemon that is killed in between leaves a line too many, not a file.
    context.hiddenNames.add(record)
    do throws(AFSError) {
      try await context.rename(
        name, in: place.vnode, to: hidden, in: place.vnode, moving: vnode.fid, replacing: false, as: identity)
    } catch {
      if error.provesNoChange { context.hiddenNames.remove(record) }
      throw error
    }
    let isStillOpen = vnode.withState { state -> Bool in
      guard state.openCount > 0 else { return false }
      state.unlinkedName = unlinked
      return true
    }
    if !isStillOpen {
      try await context.removeFile(hidden, from: place.vnode, file: vnode, as: identity)
      context.hiddenNames.remove(record)
    }
    return true
  }

  /// The last descriptor of a file that was unlinked while open is gone.
  func removeHidden(_ unlinked: UnlinkedName, _ vnode: Vnode) async {
    do {
      let directory = try await context.vnode(at: unlinked.directory)
      try await directory.operationLock.lock()
      defer { directory.operationLock.release() }
      try await context.removeFile(unlinked.name, from: directory, file: vnode, as: unlinked.identity)
      context.hiddenNames.remove(record(of: unlinked, vnode))
    } catch {
      context.log.notice(
        "\(String(decoding: unlinked.name, as: UTF8.self)) is left behind until the next mount: \(error)")
    }
    dropContents(of: vnode)
  }

  private func record(of unlinked: UnlinkedName, _ vnode: Vnode) -> HiddenName {
    HiddenName(
      cell: vnode.volume.cell.name, directory: unlinked.directory.fid, file: vnode.fid, name: unlinked.name,
      uid: unlinked.identity.uid)
  }

  // MARK: What an earlier daemon has left

  /// Bounds of the time between two attempts: a server may be away, a token may be yet to come.
  private static let leftoverIntervalMin = Duration.seconds(10)
  private static let leftoverIntervalMax = Duration.seconds(600)

  /// Removes what a killed daemon has left behind.
  func removeLeftovers() async {
    var leftovers = context.hiddenNames.leftovers
    var interval = Self.leftoverIntervalMin
    while !leftovers.isEmpty, !context.isShutDown {
      var kept: [HiddenName] = []
      for leftover in leftovers {
        if await isSettled(leftover) { context.hiddenNames.remove(leftover) } else { kept.append(leftover) }
      }
      leftovers = kept
      guard !leftovers.isEmpty else { return }
      do throws(AFSError) { try await context.sleep(until: context.now + interval) } catch { return }
      interval = min(interval * 2, Self.leftoverIntervalMax)
    }
  }

  /// Whether the name is gone, by us or by others.
  private func isSettled(_ leftover: HiddenName) async -> Bool {
    let text = String(decoding: leftover.name, as: UTF8.self)
    do {
      try await remove(leftover)
      context.log.info("\(text), left behind by an earlier mount, is removed")
      return true
    } catch .notFound, .stale, .notDirectory, .noSuchVolume, .noSuchCell, .readOnly {
      return true
    } catch {
      context.log.info("\(text), left behind by an earlier mount, cannot be removed yet: \(error)")
      return false
    }
  }

  private func remove(_ leftover: HiddenName) async throws(AFSError) {
    let identity = Identity(uid: leftover.uid)
    let cell = try await context.cell(named: leftover.cell)
    let directory = try await context.vnode(at: FileKey(cell: cell.number, fid: leftover.directory))
    try await directory.operationLock.lock()
    defer { directory.operationLock.release() }
    let current = try await context.lockedDirectory(of: directory, as: identity)
    // Somebody else's file by now: it is none of ours.
    guard find(leftover.name, in: current.directory, of: directory) == leftover.file else { throw .notFound }
    let file = context.vnodes.vnode(for: FileKey(cell: cell.number, fid: leftover.file))
    try await context.removeFile(leftover.name, from: directory, file: file, as: identity)
  }
}
