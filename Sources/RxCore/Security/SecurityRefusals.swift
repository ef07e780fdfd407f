import AFSBase
import AFSTypes
import DequeModule

/// The refusals that wait to be told, each peer and code once an hour.
///
/// Bounded: who sends under forged addresses fills neither memory nor log. What comes faster than may be told is not
/// remembered either, so that a peer which goes on being refused is told of when the flood is over.
struct SecurityRefusals {
  private struct Key: Hashable {
    var peer: RxAddress
    var code: AbortCode
  }

  /// Told at most; as many at once after a minute without any.
  static let perMinute = 60
  /// How long a peer and code are not told again.
  static let silence: Duration = .seconds(3600)
  /// Peers and codes remembered; the oldest go first.
  static let rememberedMax = 512

  private var told: Set<Key> = []
  private var order: Deque<(key: Key, at: MonotonicTime)> = []
  private var waiting: Deque<RxSecurityRefusal> = []
  private var limit: RateLimit

  init(now: MonotonicTime) {
    limit = RateLimit(Self.perMinute, per: .seconds(60), now: now)
  }

  mutating func note(_ failure: RxSecurityFailure, from peer: RxAddress, now: MonotonicTime) {
    let key = Key(peer: peer, code: failure.code)
    while let oldest = order.first, oldest.at + Self.silence <= now { forgetOldest() }
    guard !told.contains(key), waiting.count < Self.rememberedMax, limit.admit(now: now) else { return }
    if told.count >= Self.rememberedMax { forgetOldest() }
    told.insert(key)
    order.append((key, now))
    waiting.append(RxSecurityRefusal(peer: peer, code: failure.code, reason: failure.reason))
  }

  mutating func next() -> RxSecurityRefusal? { waiting.popFirst() }

  private mutating func forgetOldest() {
    told.remove(order.removeFirst().key)
  }
}
