/// Why there is no answer from DNS. That a name does not exist is an answer.
public enum DNSFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// No name server answered in time.
  case timedOut
  /// No name server could be asked: an errno.
  case unreachable(Int32)
  /// The name server could not find out: a response code other than 0 and 3 (RFC 1035 section 4.1.1).
  case refused(responseCode: UInt8)
  case malformed(DNSMessage.Malformed)
  /// As many questions as are allowed wait already.
  case tooManyQuestions
  /// The asking task was cancelled.
  case cancelled

  public var description: String {
    switch self {
    case .timedOut: "no name server answers"
    case .unreachable(let errno): "name servers cannot be asked (errno \(errno))"
    case .refused(let responseCode): "the name server reports error \(responseCode)"
    case .malformed(let reason): "the name server's answer is malformed: \(reason)"
    case .tooManyQuestions: "too many questions wait for name servers"
    case .cancelled: "cancelled"
    }
  }
}

/// Asks DNS.
public protocol DNSResolver: Sendable {
  /// The records of one kind, and what came with them; without any answers when there are none or no such name.
  func message(of name: String, _ kind: DNSRecord.Kind) async throws(DNSFailure) -> DNSMessage
}
