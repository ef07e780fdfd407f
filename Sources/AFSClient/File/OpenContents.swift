internal import AFSCredentials
internal import Synchronization

/// One open of a file: whose reads and stores these are, and how it reads.
final class OpenContents: OpenFile {
  let node: any Node
  let keepsKernelPages: Bool
  let identity: Identity
  private let contents: FileContents
  private let access: OpenAccess
  private let readAhead = Mutex(ReadAhead())

  init(node: any Node, contents: FileContents, access: OpenAccess, identity: Identity, keepsKernelPages: Bool) {
    self.node = node
    self.contents = contents
    self.access = access
    self.identity = identity
    self.keepsKernelPages = keepsKernelPages
  }

  var size: UInt64 { contents.size }

  /// - Parameter calls: so many of them shall be under way.
  func plan(
    for range: Range<UInt64>, extent: UInt64, calls: Int, limits: ReadAhead.Limits
  ) -> ReadAhead.Plan {
    readAhead.withLock { $0.note(range, extent: extent, calls: calls, limits: limits) }
  }

  func aheadRefused(from position: UInt64) {
    readAhead.withLock { $0.refused(from: position) }
  }

  func cachedRead(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Result<Int, AFSError>? {
    guard case .done(let count) = contents.readNow(at: offset, into: buffer) else { return nil }
    if count > 0 { contents.readAhead(of: offset..<offset + UInt64(count), for: self) }
    return .success(count)
  }

  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) async throws(AFSError) -> Int {
    try await contents.read(at: offset, into: buffer, for: self)
  }

  func cachedWrite(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) -> Result<Void, AFSError>? {
    contents.writeNow(at: offset, bytes, as: identity)
  }

  func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) async throws(AFSError) {
    try await contents.write(at: offset, bytes, as: identity)
  }

  func cachedFlush() -> Result<Void, AFSError>? {
    !access.writes || contents.localChange == nil ? .success(()) : nil
  }

  func flush() async throws(AFSError) {
    guard access.writes else { return }
    try await contents.storeAll(as: identity)
  }

  func synchronize() async throws(AFSError) {
    try await contents.storeAll(as: identity, durable: true)
  }

  func close() async {
    await contents.closed(access: access, as: identity)
  }
}
