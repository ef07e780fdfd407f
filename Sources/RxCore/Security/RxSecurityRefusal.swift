public import AFSTypes

/// A security class refused what a peer sent. For the log, which shall tell of each peer and reason once in a while.
public struct RxSecurityRefusal: Hashable, Sendable {
  public var peer: RxAddress
  public var code: AbortCode
  /// In words; without keys, tickets or other bytes of the packet.
  public var reason: String
}
