/// An open file: the identity which opened it is the one that its reads and stores use.
public protocol OpenFile: AnyObject, Sendable {
  var node: any Node { get }
  /// The data version is the one that the kernel's page cache was filled from: pages may stay.
  var keepsKernelPages: Bool { get }

  /// Reads from the local cache, without waiting; nil when some of the range is not there.
  /// - Returns: bytes read; fewer than the buffer holds only at the end of the file.
  func cachedRead(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Result<Int, AFSError>?
  func read(
    at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) async throws(AFSError) -> Int

  /// Takes all bytes into the local cache, or none; nil when that needs waiting.
  func cachedWrite(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) -> Result<Void, AFSError>?
  func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) async throws(AFSError)

  /// Called at each close of a descriptor: what was written is stored, and errors of earlier stores are reported.
  /// nil when there is something to store.
  func cachedFlush() -> Result<Void, AFSError>?
  func flush() async throws(AFSError)
  /// After it the server has the data.
  func synchronize() async throws(AFSError)

  /// SEEK_DATA and SEEK_HOLE need no wait: a file has data from 0 to its size, and a hole there.
  var size: UInt64 { get }

  // MARK: Locks

  /// Somebody may hold locks on the file: its closes have something to say.
  var hasLocks: Bool { get }
  /// Gets a lock, or ends with `.wouldBlock`. A wait ends with the task.
  func lock(_ request: LockRequest) async throws(AFSError)
  /// What is in the way of a lock; nil when it could be had.
  func obstacle(to request: LockRequest) async throws(AFSError) -> HeldLock?
  /// Gives back what `owner` has in `range`. When it returns others can have it, on other hosts too, unless the server is
  /// away.
  func unlock(_ style: LockRequest.Style, owner: UInt64, range: Range<UInt64>) async
  /// The same for this host at once, for other hosts before long.
  func unlockSoon(_ style: LockRequest.Style, owner: UInt64)

  /// The last descriptor is gone; comes once.
  func close() async
}

/// File systems without locks.
extension OpenFile {
  public var hasLocks: Bool { false }
  public func lock(_ request: LockRequest) async throws(AFSError) { throw .notSupported }
  public func obstacle(to request: LockRequest) async throws(AFSError) -> HeldLock? { throw .notSupported }
  public func unlock(_ style: LockRequest.Style, owner: UInt64, range: Range<UInt64>) async {}
  public func unlockSoon(_ style: LockRequest.Style, owner: UInt64) {}
}
