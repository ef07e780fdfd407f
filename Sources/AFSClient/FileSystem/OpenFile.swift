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

  /// The last descriptor is gone; comes once.
  func close() async
}
