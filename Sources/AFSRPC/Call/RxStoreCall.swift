package import AFSTypes
package import RxCore
package import RxTransport

/// A call in which we send bulk data: exactly as much as the arguments promised, then `finish`.
///
/// One task uses it at a time. Dropping it before the end aborts the call.
package final class RxStoreCall<P: RxStoreProcedure> {
  package let stream: any RxStream
  private var isClosed = false
  private var hasEnded = false

  init(_ stream: any RxStream) {
    self.stream = stream
  }

  /// Sends bulk data, waiting while the server's window is full. `last` with the last piece saves `finish` a
  /// packet of its own.
  package func send(_ bytes: UnsafeRawBufferPointer, last: Bool = false) async throws(RxCallError) {
    try await stream.send(bytes, last: last)
    isClosed = last
  }

  /// Closes our direction if no piece was the last, and waits for the results.
  package func finish() async throws(RxCallError) -> P.Results {
    if !isClosed {
      try await stream.send(UnsafeRawBufferPointer(start: nil, count: 0), last: true)
      isClosed = true
    }
    let results = try await P.finish(stream)
    hasEnded = true
    return results
  }

  /// Gives the call up.
  package func abort(_ code: AbortCode) {
    hasEnded = true
    stream.abort(code)
  }

  deinit {
    if !hasEnded { stream.abort(.rxUserAbort) }
  }
}
