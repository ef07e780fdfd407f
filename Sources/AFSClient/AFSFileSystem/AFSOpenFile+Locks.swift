extension AFSOpenFile {
  private var locks: FileLocks? { vnode.withState { $0.locks } }

  private var madeLocks: FileLocks {
    vnode.withState { state in
      if let locks = state.locks { return locks }
      let made = FileLocks(vnode: vnode, context: fileSystem.context, spawn: fileSystem.files.spawn)
      state.locks = made
      return made
    }
  }

  var hasLocks: Bool { locks != nil }

  func lock(_ request: LockRequest) async throws(AFSError) {
    try await madeLocks.acquire(request, as: identity)
  }

  func obstacle(to request: LockRequest) async throws(AFSError) -> HeldLock? {
    try await madeLocks.obstacle(to: request, as: identity)
  }

  func unlock(_ style: LockRequest.Style, owner: UInt64, range: Range<UInt64>) async {
    await locks?.release(style, owner: owner, range: range)
  }

  func unlockSoon(_ style: LockRequest.Style, owner: UInt64) {
    _ = locks?.beginRelease(style, owner: owner)
  }
}
