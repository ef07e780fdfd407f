/// What an endpoint tells its driver. Events are edge-like: after `.readable` the driver reads until `read`
/// gives nothing more; another event follows only when something new has come.
public enum RxEvent: Hashable, Sendable {
  /// A peer began a call to one of our services. The driver answers it or aborts it, and in the end releases it.
  case incoming(RxCallHandle, RxIncomingCall)
  /// In-order data (or the end of the stream) can be read.
  case readable(RxCallHandle)
  /// `write` refused bytes before, and would take some now.
  case writable(RxCallHandle)
  /// The call ended. For a client: with `.success` after all of the reply has come (data may still wait to be
  /// read). For a server: the client has acknowledged the whole reply, or the call failed.
  /// Comes exactly once per call, and nothing after it but `.readable`.
  case completed(RxCallHandle, RxCompletion)
}

/// How a call ended.
public enum RxCompletion: Hashable, Sendable {
  case success
  case failure(RxCallError)
}

/// What is known of a call from a peer when it begins.
public struct RxIncomingCall: Hashable, Sendable {
  public var peer: RxAddress
  public var service: ServiceID
  public var epoch: UInt32
  public var cid: UInt32
  public var securityIndex: UInt8
  /// Who calls, as the security class has proved it; nil for anybody.
  public var authentication: RxAuthentication?

  public init(
    peer: RxAddress, service: ServiceID, epoch: UInt32, cid: UInt32, securityIndex: UInt8,
    authentication: RxAuthentication? = nil
  ) {
    self.peer = peer
    self.service = service
    self.epoch = epoch
    self.cid = cid
    self.securityIndex = securityIndex
    self.authentication = authentication
  }
}

extension RxEvent {
  /// The call that the event is about.
  public var call: RxCallHandle {
    switch self {
    case .incoming(let call, _), .readable(let call), .writable(let call), .completed(let call, _): call
    }
  }
}
