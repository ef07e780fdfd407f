public import AFSTypes
public import RxCore
public import SystemPackage

/// Something that makes Rx calls: the transport, a simulation's host, or a wrapper which injects faults.
public protocol RxCaller: Sendable {
  /// Begins a call; nothing is sent before the first `send`.
  func startCall(to target: RxTarget, options: RxCallOptions) async throws(RxCallError) -> any RxStream

  /// A whole call with a small request and a small reply, in one hand-over to the I/O thread and one back.
  /// - Parameters:
  ///   - request: all that the server is to read.
  ///   - target: the peer's service, and under which security it is called.
  ///   - options: time limits.
  ///   - replyMax: a longer reply aborts the call and throws `.malformedReply`.
  func roundTrip(
    _ request: [UInt8], to target: RxTarget, options: RxCallOptions, replyMax: Int
  ) async throws(RxCallError) -> [UInt8]
}

/// The two byte streams of one call, as its client or its server sees them.
///
/// One task sends at a time, and one receives; what cannot be done (a `send` after the last one, a `receive` before a
/// client's first `send`) throws `.misuse`, whatever has become of the call. Memory given to `send` and `receive` must
/// stay valid until they return; they return early, with `.cancelled`, when their task is cancelled (the call is then
/// aborted).
public protocol RxStream: AnyObject, Sendable {
  /// Sends bytes, waiting while the peer's window is full; `last` closes our direction.
  func send(_ bytes: UnsafeRawBufferPointer, last: Bool) async throws(RxCallError)

  /// Fills `buffer`; fewer bytes only at the end of the peer's stream (0 when it had ended before).
  func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(RxCallError) -> Int

  /// Sends `count` bytes of a regular file from `offset` on, read straight into packets; otherwise like `send` of
  /// memory. The descriptor must stay open until it returns.
  func send(file: FileDescriptor, offset: Int64, count: Int, last: Bool) async throws(RxFileError)

  /// Receives up to `count` bytes into a regular file from `offset` on, written straight from packets; otherwise like
  /// `receive` into memory. The descriptor must stay open until it returns.
  /// - Returns: bytes received; fewer than `count` only at the end of the peer's stream.
  func receive(into file: FileDescriptor, offset: Int64, count: Int) async throws(RxFileError) -> Int

  /// Closes our direction if no `send` was the last: before any `send`, a client makes a call with an empty request.
  /// Client: waits then until the call has ended well, and throws away what is left of the reply (up to 64 KiB). Server:
  /// hands the reply to the peer for good (does not wait for its acknowledgement).
  func finish() async throws(RxCallError)

  /// Ends the call with an ABORT, at any time, from any thread.
  func abort(_ code: AbortCode)

  /// What the call has carried so far, or had when it ended: packets, bytes, the round trip to the peer, and the service
  /// that answers; nil before the first `send`, and from streams which are no network's.
  func statistics() async -> RxCallStatistics?
}

extension RxStream {
  public func statistics() async -> RxCallStatistics? { nil }

  /// Sends an array's bytes.
  public func send(_ bytes: [UInt8], last: Bool) async throws(RxCallError) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    try await send(UnsafeRawBufferPointer(copy), last: last)
  }

  /// Receives `count` bytes, or fewer at the end of the peer's stream.
  public func receive(count: Int) async throws(RxCallError) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)
    defer { buffer.deallocate() }
    let received = try await receive(into: buffer)
    return [UInt8](buffer[..<received])
  }
}
