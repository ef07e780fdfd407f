/// How far a call has come. One machine for both sides; each event is a function that says what must be done.
///
/// ```
/// client: sendingRequest -> receivingReply -> ended
/// server: receivingRequest -> sendingReply -> ended
/// ```
struct CallPhase: Equatable, Sendable {
  enum Step: Equatable {
    /// Client: the request is being written or sent, or the reply is awaited.
    case sendingRequest
    /// Client: the reply has begun; the request needs no acknowledgement any more.
    case receivingReply
    /// Server: the request is being received or worked on.
    case receivingRequest
    /// Server: reply packets have been sent.
    case sendingReply
    case ended
  }

  private(set) var step: Step

  init(isClient: Bool) {
    step = isClient ? .sendingRequest : .receivingRequest
  }

  var hasEnded: Bool { step == .ended }

  /// What a DATA packet of the peer means beyond its bytes.
  enum OnData: Equatable {
    case none
    /// The first packet of the reply: the whole request has arrived.
    case acknowledgeRequest
  }

  mutating func receivedData() -> OnData {
    guard step == .sendingRequest else { return .none }
    step = .receivingReply
    return .acknowledgeRequest
  }

  /// What sending a DATA packet means beyond its bytes.
  enum OnTransmit: Equatable {
    case none
    /// It acknowledges the request as an ack would.
    case acknowledgesRequest
  }

  mutating func transmittedData() -> OnTransmit {
    switch step {
    case .receivingRequest:
      step = .sendingReply
      return .acknowledgesRequest
    case .sendingReply: return .acknowledgesRequest
    case .sendingRequest, .receivingReply, .ended: return .none
    }
  }

  /// Ends the call; false if it had ended before.
  mutating func end() -> Bool {
    guard step != .ended else { return false }
    step = .ended
    return true
  }
}
