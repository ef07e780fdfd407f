import RxTransport

/// The data of a call: the pattern out, and what came in compared with it.
extension RxStream {
  /// Sends runs of the pattern, each from its start, in pieces.
  func sendPattern(_ runs: [Int], inPiecesOf size: Int, last: Bool) async throws {
    var rest = runs.reduce(0, +)
    if rest == 0, last { return try await send([], last: true) }
    for count in runs {
      var sent = 0
      while sent < count {
        let piece = PerfPattern.piece(at: sent, count: min(size, count - sent))
        sent += piece.count
        rest -= piece.count
        try await send(piece, last: last && rest == 0)
      }
    }
  }

  /// Receives runs of the pattern.
  /// - Parameter check: nil when they need not be compared.
  func receivePattern(_ runs: [Int], into buffer: PerfBuffer, inPiecesOf size: Int, check: PerfCheck?) async throws {
    for count in runs {
      var received = 0
      while received < count {
        let piece = UnsafeMutableRawBufferPointer(
          rebasing: buffer.bytes.prefix(min(size, buffer.bytes.count, count - received)))
        let arrived = try await receive(into: piece)
        if let check {
          let data = UnsafeRawBufferPointer(rebasing: piece[..<arrived])
          if let wrong = PerfPattern.mismatch(data, at: received, allowsZeros: check.allowsZeros) {
            throw PerfError.corrupt(offset: wrong)
          }
        }
        received += arrived
        if arrived < piece.count { throw PerfError.short(received, of: count) }
      }
    }
  }
}

/// How strictly received data is compared with the pattern.
struct PerfCheck: Sendable, Hashable {
  /// Bytes of OpenAFS's programs may be zero.
  var allowsZeros: Bool
}
