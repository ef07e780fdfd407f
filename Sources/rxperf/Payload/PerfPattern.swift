import AFSBase
import Glibc

/// The data that rxperf sends, and how received data is compared with it.
///
/// Random bytes with a period of `pieceMax`, which no packet size divides: a packet lost, doubled or out of place
/// shows. OpenAFS's server sends what it received last, in pieces of the write size from the start of one buffer. As
/// long as the sizes in use are multiples of the period, or the data fits into one piece, that is the pattern again,
/// once the client has sent it a whole period ("primed" it); before that it sends zeros. Its client does the same.
enum PerfPattern {
  static let period = PerfRequest.pieceMax

  /// Two periods, so that from any place in the first a whole one can be taken. Never freed.
  nonisolated(unsafe) private static let bytes: UnsafeRawBufferPointer = {
    var generator = SeededGenerator(seed: 0x7278_7065_7266)
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * period, alignment: 4096)
    for offset in stride(from: 0, to: period, by: 8) {
      let word = generator.next()
      memory.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
      memory.storeBytes(of: word, toByteOffset: offset + period, as: UInt64.self)
    }
    return UnsafeRawBufferPointer(memory)
  }()

  /// The pattern from `offset` of the stream on: `count` bytes, at most a period.
  static func piece(at offset: Int, count: Int) -> UnsafeRawBufferPointer {
    precondition(count <= period)
    return UnsafeRawBufferPointer(rebasing: bytes[(offset % period)...].prefix(count))
  }

  /// Compares what was received at `offset` of the stream.
  /// - Parameter allowsZeros: single bytes may be zero instead: what OpenAFS's programs send of memory that has
  ///   received nothing yet.
  /// - Returns: the place of the first wrong byte in the stream; nil when all is right.
  static func mismatch(_ received: UnsafeRawBufferPointer, at offset: Int, allowsZeros: Bool) -> Int? {
    var done = 0
    while done < received.count {
      let expected = piece(at: offset + done, count: min(received.count - done, period))
      let actual = UnsafeRawBufferPointer(rebasing: received[done..<(done + expected.count)])
      if memcmp(actual.baseAddress!, expected.baseAddress!, expected.count) != 0 {
        let wrong = expected.indices.first { actual[$0] != expected[$0] && !(allowsZeros && actual[$0] == 0) }
        if let wrong { return offset + done + wrong }
      }
      done += expected.count
    }
    return nil
  }
}

/// Memory into which data is received.
final class PerfBuffer: @unchecked Sendable {
  // Used by one task at a time.
  let bytes: UnsafeMutableRawBufferPointer

  init(count: Int) { bytes = .allocate(byteCount: count, alignment: 4096) }
  deinit { bytes.deallocate() }
}
