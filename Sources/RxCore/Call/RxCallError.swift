public import AFSTypes
import Glibc

/// Why an Rx call ended without its result.
public enum RxCallError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The peer aborted the call (or its connection) with this code.
  case aborted(AbortCode)
  /// We aborted the call with this code.
  case abortedLocally(AbortCode)
  case timedOut(RxTimeout)
  /// The network refused: the errno that ICMP or the socket gave (ECONNREFUSED, EHOSTUNREACH, ENETUNREACH ...).
  case unreachable(Int32)
  /// The peer broke the protocol; the text names the rule.
  case protocolViolation(String)
  /// The caller, or the service's handler, used its stream in a way that it cannot be used; the text names the rule. The
  /// call goes on.
  case misuse(String)
  /// The reply is not what the interface says; the text names the field and the byte offset.
  case malformedReply(String)
  /// The caller's task was cancelled.
  case cancelled
  /// More calls wait for a connection than the endpoint's configuration allows.
  case tooManyCalls
  /// The endpoint was shut down.
  case shutDown
  /// The security class refused (before any packet was sent, or for the connection as a whole).
  case security(String)

  /// For logs: what happened, without the peer's name.
  public var description: String {
    switch self {
    case .aborted(let code): "the peer aborted the call: \(code)"
    case .abortedLocally(let code): "the call was aborted here: \(code)"
    case .timedOut(let limit): limit.description
    case .unreachable(let errno): String(cString: strerror(errno))
    case .protocolViolation(let rule): "the peer broke the protocol: \(rule)"
    case .misuse(let rule): "wrong use of the call's stream: \(rule)"
    case .malformedReply(let text): "malformed reply: \(text)"
    case .cancelled: "the call was cancelled"
    case .tooManyCalls: "too many calls wait for a connection"
    case .shutDown: "the endpoint is shut down"
    case .security(let text): text
    }
  }
}

/// Which of a call's time limits ran out.
public enum RxTimeout: Hashable, Sendable, CustomStringConvertible {
  /// The peer gave no sign of life for the dead time.
  case dead
  /// The peer answers pings, but the call made no progress for the idle limit.
  case idle
  /// The call's own deadline passed.
  case hard

  public var description: String {
    switch self {
    case .dead: "no sign of life within the time limit"
    case .idle: "no progress within the time limit"
    case .hard: "not done within the call's time limit"
    }
  }
}
