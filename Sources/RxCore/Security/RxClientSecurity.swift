/// The client's side of a security class with the credentials of one identity: a token, and how to use it.
///
/// Registered with an endpoint; targets then name it by `RxClientSecurityReference`.
public protocol RxClientSecurity: AnyObject, Sendable {
  /// The header field that names the class (OpenAFS src/rx/rx.h: 0 null, 2 kad, 4 gk).
  var securityIndex: UInt8 { get }

  /// Begins a connection. Fails when the credentials can no longer be used.
  func openConnection(_ context: RxSecurityContext) throws(RxSecurityFailure) -> any RxClientConnectionSecurity
}

/// The client's side of one protected connection.
public protocol RxClientConnectionSecurity: RxPacketProtection {
  /// Whether new calls may begin on this connection; false once it has carried its limit of bytes or time.
  var acceptsNewCalls: Bool { get }

  /// Answers a challenge from the server.
  /// - Parameters:
  ///   - challenge: the body of the CHALLENGE packet. Anybody can have sent it.
  ///   - callNumbers: for each channel the number of the call under way, or else of the next; 0 for a channel not used
  ///     yet. Some classes protect them.
  /// - Returns: the body of the RESPONSE packet.
  func respond(
    to challenge: UnsafeRawBufferPointer, callNumbers: [4 of UInt32]
  ) throws(RxSecurityFailure) -> [UInt8]
}

extension RxClientConnectionSecurity {
  public var acceptsNewCalls: Bool { true }
}
