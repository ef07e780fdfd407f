public import AFSBase
public import AFSCredentials

/// Moves file data between fileservers and the local cache: FetchData and StoreData with server choice, retries
/// and status bookkeeping behind it. `FileContents` uses it; tests give it one of their own.
public protocol FileTransfers: Sendable {
  /// Fetches `count` bytes from `offset`; the server sends fewer at the end of the file.
  /// - Parameter write: takes consecutive pieces, in order, each at the given file offset.
  /// - Returns: the file's status at the time of the fetch, and how many bytes came.
  func fetch(
    _ file: FileKey, offset: UInt64, count: UInt64, as identity: Identity,
    write: @Sendable (UnsafeRawBufferPointer, UInt64) throws(AFSError) -> Void
  ) async throws(AFSError) -> (status: FileStatus, count: UInt64)

  /// Stores `count` bytes at `offset`, and makes the file `length` bytes long in the same call (`count` 0 truncates
  /// or extends only).
  /// - Parameter read: fills the buffer with the bytes at the given file offset.
  func store(
    _ file: FileKey, offset: UInt64, count: UInt64, length: UInt64, modified: WallTime?, as identity: Identity,
    read: @Sendable (UnsafeMutableRawBufferPointer, UInt64) throws(AFSError) -> Void
  ) async throws(AFSError) -> FileStatus
}
