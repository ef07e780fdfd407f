public import AFSBase
public import AFSCredentials

/// Moves file data between fileservers and the local cache: FetchData and StoreData with server choice, retries
/// and status bookkeeping behind it. `FileContents` uses it; tests give it one of their own.
public protocol FileTransfers: Sendable {
  /// Fetches `count` bytes from `offset`; the server sends fewer at the end of the file.
  /// - Parameter write: takes consecutive pieces, in order, each at the given file offset. When a server was lost in the
  ///   middle and what it has sent cannot be continued, the pieces begin again at `offset`.
  /// - Returns: the file's status at the time of the fetch, and how many bytes came.
  func fetch(
    _ file: FileKey, offset: UInt64, count: UInt64, as identity: Identity,
    write: @Sendable (UnsafeRawBufferPointer, UInt64) throws(AFSError) -> Void
  ) async throws(AFSError) -> (status: FileStatus, count: UInt64)

  /// Stores `count` bytes at `offset`, with the meaning of StoreData64 (OpenAFS src/viced/afsfileprocs.c,
  /// StoreData_RXStyle): the file is cut to `length` first when it is longer, then the bytes are written; `length`
  /// beyond both makes nothing longer. With `count` 0 the file becomes exactly `length` bytes long (on the wire: Pos
  /// equal to FileLength, which is how the fileserver extends).
  /// - Parameter durable: asks the server to commit to its disk as its administrator configured (AFS_FSYNC, 0x400 in
  ///   the store status mask).
  /// - Parameter permissions: the file's new permission bits; nil leaves them.
  /// - Parameter read: fills the buffer with the bytes at the given file offset.
  /// - Returns: the file's status after the store.
  func store(
    _ file: FileKey, offset: UInt64, count: UInt64, length: UInt64, modified: WallTime?, permissions: UInt16?,
    durable: Bool, as identity: Identity,
    read: @Sendable (UnsafeMutableRawBufferPointer, UInt64) throws(AFSError) -> Void
  ) async throws(AFSError) -> FileStatus

  /// Asks the server to commit to its disk what was stored before: counts as a store which changes nothing.
  /// - Returns: the file's status after it.
  func commit(_ file: FileKey, as identity: Identity) async throws(AFSError) -> FileStatus
}
