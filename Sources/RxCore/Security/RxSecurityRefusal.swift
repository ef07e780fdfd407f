public import AFSTypes

/// A security class refused what a peer sent. For the log, which shall tell of each peer and reason once.
public struct RxSecurityRefusal: Hashable, Sendable {
  public var peer: RxAddress
  public var code: AbortCode
  /// In words; without keys, tickets or other bytes of the packet.
  public var reason: String
}

/// The refusals that wait to be told, each peer and code once.
///
/// Bounded: who sends under forged addresses fills neither memory nor log. At the bound nothing more is told.
struct SecurityRefusals {
  private struct Key: Hashable {
    var peer: RxAddress
    var code: AbortCode
  }

  /// Peers and codes told of in the life of an endpoint.
  static let toldMax = 512

  private var told: Set<Key> = []
  private var waiting: [RxSecurityRefusal] = []

  mutating func note(_ failure: RxSecurityFailure, from peer: RxAddress) {
    guard told.count < Self.toldMax, told.insert(Key(peer: peer, code: failure.code)).inserted else { return }
    waiting.append(RxSecurityRefusal(peer: peer, code: failure.code, reason: failure.reason))
  }

  mutating func next() -> RxSecurityRefusal? { waiting.isEmpty ? nil : waiting.removeFirst() }
}
