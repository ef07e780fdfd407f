import AFSBase
import AFSCredentials

/// An open file: the cache's view of it, kept true by asking the server when no promise stands behind the status.
final class AFSOpenFile: OpenFile {
  private let inner: any OpenFile
  let vnode: Vnode
  let identity: Identity
  let fileSystem: AFSFileSystem

  init(_ inner: any OpenFile, node: AFSNode, vnode: Vnode, identity: Identity, fileSystem: AFSFileSystem) {
    self.inner = inner
    self.vnode = vnode
    self.identity = identity
    self.fileSystem = fileSystem
  }

  var node: any Node { inner.node }
  var keepsKernelPages: Bool { inner.keepsKernelPages }
  var size: UInt64 { inner.size }

  private var isCurrent: Bool { vnode.trustedStatus(now: fileSystem.context.now) != nil }

  func cachedRead(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Result<Int, AFSError>? {
    isCurrent ? inner.cachedRead(at: offset, into: buffer) : nil
  }

  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) async throws(AFSError) -> Int {
    if !isCurrent { _ = try await fileSystem.context.currentStatus(of: vnode, as: identity) }
    return try await inner.read(at: offset, into: buffer)
  }

  func cachedWrite(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) -> Result<Void, AFSError>? {
    inner.cachedWrite(at: offset, bytes)
  }

  func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) async throws(AFSError) {
    try await inner.write(at: offset, bytes)
  }

  func cachedFlush() -> Result<Void, AFSError>? { inner.cachedFlush() }
  func flush() async throws(AFSError) { try await inner.flush() }
  func synchronize() async throws(AFSError) { try await inner.synchronize() }

  func close() async {
    await inner.close()
    let unlinked = vnode.withState { state -> UnlinkedName? in
      state.openCount -= 1
      guard state.openCount == 0 else { return nil }
      defer { state.unlinkedName = nil }
      return state.unlinkedName
    }
    if let unlinked { await fileSystem.removeHidden(unlinked, vnode) }
  }
}
