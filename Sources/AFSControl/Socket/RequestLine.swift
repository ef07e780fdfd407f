import AFSBase
import Glibc

/// A request as its bytes come in. A session key may be among them: they lie in one place, which is wiped at the end.
final class RequestLine: @unchecked Sendable {
  /// A request's bytes at most. The longest hands over a token, whose payload is that of a key of type `user`: 32767 bytes at
  /// most (add_key(2)), in hexadecimal.
  static let byteCountMax = 2 * 32767 + 1024

  enum Step: Equatable {
    case incomplete
    case complete
    case tooLong
  }

  // Only the thread of the control server touches it.
  private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCountMax + 1, alignment: 1)
  private var filledCount = 0
  private var lineByteCount: Int?

  deinit {
    ConstantTime.wipe(UnsafeMutableRawBufferPointer(rebasing: memory[..<filledCount]))
    memory.deallocate()
  }

  /// Where the next bytes go; never empty before the line is complete or too long.
  var space: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: memory[filledCount...]) }

  /// `count` bytes have been put into `space`. What follows the line's end is ignored: a connection is for one request.
  func took(_ count: Int) -> Step {
    let new = UnsafeRawBufferPointer(rebasing: memory[filledCount..<(filledCount + count)])
    filledCount += count
    if let end = new.firstIndex(of: UInt8(ascii: "\n")) {
      lineByteCount = filledCount - count + end
      return .complete
    }
    return filledCount <= Self.byteCountMax ? .incomplete : .tooLong
  }

  /// Lends the line without its end; empty when it is not complete.
  func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(rebasing: memory[..<(lineByteCount ?? 0)]))
  }
}

extension RequestLine: Equatable {
  static func == (a: RequestLine, b: RequestLine) -> Bool {
    a.withBytes { a in b.withBytes { b in ConstantTime.areEqual(a, b) } }
  }
}
