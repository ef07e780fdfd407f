/// What a client connection is shared by: the peer, its service, and the security that protects it.
public struct RxTarget: Hashable, Sendable {
  public var peer: RxAddress
  public var service: ServiceID
  public var security: RxClientSecurityReference

  public init(peer: RxAddress, service: ServiceID, security: RxClientSecurityReference = .none) {
    self.peer = peer
    self.service = service
    self.security = security
  }
}

/// The number of a service at an Rx endpoint: 1 RXAFS and RXAFSCB, 4 VLDB's 52, and so on.
public struct ServiceID: Hashable, Sendable, CustomStringConvertible {
  public var rawValue: UInt16
  @inlinable public init(_ rawValue: UInt16) { self.rawValue = rawValue }
  public var description: String { String(rawValue) }
}
