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

/// The number of a service at an Rx endpoint: 1 is RXAFS at a fileserver and RXAFSCB at a client, 52 VL, 73 PR.
public struct ServiceID: Hashable, Sendable, CustomStringConvertible {
  public var rawValue: UInt16
  @inlinable public init(_ rawValue: UInt16) { self.rawValue = rawValue }
  public var description: String { String(rawValue) }
}
