/// The server's side of a security class, with the keys of a service. Registered per service.
public protocol RxServerSecurity: AnyObject, Sendable {
  var securityIndex: UInt8 { get }

  /// A client began a connection with this class.
  /// - Parameters:
  ///   - context: the connection's names and ends.
  ///   - nonce: random bits for this connection's challenge.
  func acceptConnection(_ context: RxSecurityContext, nonce: UInt64) -> any RxServerConnectionSecurity
}

/// The server's side of one protected connection. No call is handed to the service before it is authenticated.
public protocol RxServerConnectionSecurity: RxPacketProtection {
  var isAuthenticated: Bool { get }

  /// Who the client is, once it is authenticated; nil for classes that do not tell.
  var authentication: RxAuthentication? { get }

  /// The body of the CHALLENGE packet; asked for again when it must be repeated.
  func challenge() -> [UInt8]

  /// Checks the body of a RESPONSE packet; `isAuthenticated` is true afterwards.
  /// - Returns: the call numbers which the client vouched for (of the call under way on each channel, or of the next),
  ///   if the class protects them: older calls are refused.
  func accept(response: UnsafeRawBufferPointer) throws(RxSecurityFailure) -> [4 of UInt32]?
}

extension RxServerConnectionSecurity {
  public var authentication: RxAuthentication? { nil }
}
