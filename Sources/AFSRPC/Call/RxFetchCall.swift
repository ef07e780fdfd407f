package import AFSTypes
package import RxCore
package import RxTransport

/// A call in which the server sends bulk data: read it with `receive`, then `finish`.
///
/// One task uses it at a time. Dropping it before the end aborts the call.
package final class RxFetchCall<P: RxFetchProcedure> {
  package let stream: any RxStream
  /// Bytes of bulk data that the server announced. Compare it with what was asked for: it is the server's word.
  package let length: UInt64
  /// Bytes of bulk data not read yet.
  package private(set) var remaining: UInt64
  private var hasEnded = false

  /// Waits for the length.
  init(_ stream: any RxStream) async throws(RxCallError) {
    self.stream = stream
    let size = P.LengthPrefix.bitWidth / 8
    let bytes = try await stream.receive(count: size)
    guard bytes.count == size else {
      stream.abort(.rxgenClientUnmarshal)
      throw .malformedReply("\(P.name): the data's length is cut off at byte \(bytes.count)")
    }
    let announced = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    // Some old file servers announce a negative length and mean none (OpenAFS src/afs/afs_fetchstore.c).
    let isNegative = bytes[0] & 0x80 != 0
    length = isNegative ? 0 : announced
    remaining = length
  }

  /// Reads bulk data: fills the buffer, or less when no more data is left.
  /// - Returns: how many bytes came; 0 at the data's end.
  package func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(RxCallError) -> Int {
    let count = Int(clamping: min(remaining, UInt64(buffer.count)))
    if count == 0 { return 0 }
    let received = try await stream.receive(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
    guard received == count else {
      abort(.rxgenClientUnmarshal)
      throw .malformedReply("\(P.name): the data ends \(remaining - UInt64(received)) bytes early")
    }
    remaining -= UInt64(count)
    return count
  }

  /// The results, which follow the data. All data must have been read.
  package func finish() async throws(RxCallError) -> P.Results {
    guard remaining == 0 else {
      abort(.rxUserAbort)
      throw .abortedLocally(.rxUserAbort)
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
