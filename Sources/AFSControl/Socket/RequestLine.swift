/// A request as its bytes come in.
struct RequestLine {
  /// A request's bytes at most. The longest hands over a token, whose payload is that of a key of type `user`: 32767 bytes at
  /// most (add_key(2)), in hexadecimal.
  static let byteCountMax = 2 * 32767 + 1024

  enum Step: Equatable {
    case incomplete
    /// Without its end.
    case line([UInt8])
    case tooLong
  }

  private var bytes: [UInt8] = []

  /// What follows the line's end is ignored: a connection is for one request.
  mutating func take(_ chunk: ArraySlice<UInt8>) -> Step {
    if let end = chunk.firstIndex(of: UInt8(ascii: "\n")) {
      guard bytes.count + (end - chunk.startIndex) <= Self.byteCountMax else { return .tooLong }
      return .line(bytes + chunk[..<end])
    }
    guard bytes.count + chunk.count <= Self.byteCountMax else { return .tooLong }
    bytes += chunk
    return .incomplete
  }
}
