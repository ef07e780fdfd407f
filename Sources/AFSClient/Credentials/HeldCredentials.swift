package import AFSBase
package import AFSCredentials

/// What one identity holds for one cell: the rules of when a token is looked for, renewed, and no longer believed. A
/// value, so that they can be tested without servers.
package struct HeldCredentials: Sendable {
  package enum Holding: Hashable, Sendable {
    /// Nobody has looked yet.
    case unknown
    case none
    case token(Token)
    /// The token that was held, if it was; what serves no more.
    case lapsed(Token?, CallSecurity.Lapse)
  }

  /// What the owner of the value must do.
  package enum OnAnswer: Hashable, Sendable {
    case unchanged
    /// The same user's next token: what he may is as before.
    case renewed(Token)
    /// Another user's token, the first one, or none: nothing that was known of this identity's rights holds.
    case changed
  }

  package private(set) var holding = Holding.unknown
  /// What the provider last said instead of a token.
  package private(set) var trouble: String?
  /// A command gave the token: the provider's having none does not end it.
  private var isGiven = false
  private var stamp: UInt64?
  /// When to ask for the next token, or again.
  private var askAt: WallTime?

  /// Seconds between questions to a provider that failed.
  private static let retryInterval: Int64 = 20
  /// Seconds between questions about a token that is about to end and could not be replaced.
  private static let renewalIntervalMin: Int64 = 2

  package init() {}

  package var token: Token? {
    switch holding {
    case .token(let token): token
    case .lapsed(let token, _): token
    case .unknown, .none: nil
    }
  }

  /// What a look comes to.
  package struct Look: Hashable, Sendable {
    /// The provider is to be asked.
    package var asks: Bool
    /// Before a call goes out. Otherwise it goes with what is held: a token that is to be renewed serves meanwhile.
    package var isUrgent: Bool
    /// A token has just lapsed.
    package var hasLapsed: Bool
  }

  /// Whether the provider must be asked. An expired token has lapsed afterwards.
  /// - Parameter stamp: the provider's; nil when this identity has none.
  package mutating func look(stamp: UInt64?, now: WallTime) -> Look {
    var hasLapsed = false
    if case .token(let token) = holding, token.isExpired(at: now) {
      holding = .lapsed(token, .expired)
      isGiven = false
      hasLapsed = true
    }
    guard let stamp else {
      if holding == .unknown { holding = .none }
      return Look(asks: false, isUrgent: false, hasLapsed: hasLapsed)
    }
    let isDue = askAt.map { $0 <= now } ?? false
    let isUrgent = hasLapsed || holding == .unknown || stamp != self.stamp
    return Look(asks: isUrgent || isDue, isUrgent: isUrgent, hasLapsed: hasLapsed)
  }

  /// Takes the provider's answer.
  /// - Parameters:
  ///   - stamp: as it was before the question.
  ///   - isRefused: the token that is held serves no more, whatever it says itself.
  package mutating func answered(
    _ answer: TokenAnswer, stamp: UInt64, now: WallTime, isRefused: Bool = false
  ) -> OnAnswer {
    let isAsBefore = stamp == self.stamp && !isRefused
    self.stamp = stamp
    askAt = nil
    switch answer {
    case .token(let token) where !token.isExpired(at: now):
      trouble = nil
      // Of a ticket that ends, and is not renewed, one gets tokens which end with it: no better than the first.
      if isAsBefore, case .token(let held) = holding, held.isSameUser(as: token), token.expires <= held.expires {
        askAgainAbout(held, now: now)
        return .unchanged
      }
      return take(token, now: now)
    case .token: return expired("the token has expired", now: now)
    case .expired(let text): return expired(text, now: now)
    case .none:
      trouble = nil
      return providerHasNone(now: now)
    case .failed(let text):
      trouble = text
      askAt = WallTime(seconds: now.seconds + Self.retryInterval)
      if holding == .unknown { holding = .none }
      if case .token(let token) = holding { askAgainAbout(token, now: now) }
      return .unchanged
    }
  }

  /// A command hands over a token.
  package mutating func given(_ token: Token, now: WallTime) -> OnAnswer {
    let outcome = take(token, now: now)
    isGiven = true
    return outcome
  }

  /// A server did not take `token`.
  package mutating func refused(_ token: Token, expired: Bool) -> OnAnswer {
    guard case .token(let held) = holding, held.ticket == token.ticket else { return .unchanged }
    holding = .lapsed(token, expired ? .expired : .refused)
    isGiven = false
    return .changed
  }

  /// The user takes his token away.
  /// - Parameter hasUnstored: something that he has written is not stored: it waits for his next token.
  /// - Parameter stamp: the provider's, which has been told.
  package mutating func withdrawn(hasUnstored: Bool, stamp: UInt64?) -> OnAnswer {
    self.stamp = stamp
    isGiven = false
    trouble = nil
    askAt = nil
    switch holding {
    case .unknown, .none:
      holding = .none
      return .unchanged
    case .token(let token), .lapsed(let token?, _):
      holding = hasUnstored ? .lapsed(token, .withdrawn) : .none
      return .changed
    case .lapsed(nil, _):
      holding = .none
      return .changed
    }
  }

  /// What was written is stored or gone: a withdrawn token leaves nothing.
  package mutating func nothingUnstored() {
    if case .lapsed(_, .withdrawn) = holding { holding = .none }
  }

  package mutating func learned(viceID: Int32, of token: Token) {
    guard case .token(var held) = holding, held.ticket == token.ticket else { return }
    held.viceID = viceID
    holding = .token(held)
  }

  // MARK: Steps

  private mutating func take(_ token: Token, now: WallTime) -> OnAnswer {
    let old = holding
    var token = token
    if case .token(let held) = old {
      if token.viceID == nil, held.isSameUser(as: token) { token.viceID = held.viceID }
      if held.ticket == token.ticket {
        askAgainAbout(held, now: now)
        return .unchanged
      }
    }
    holding = .token(token)
    isGiven = false
    scheduleRenewal(of: token, now: now)
    if case .token(let held) = old, held.isSameUser(as: token) { return .renewed(token) }
    return .changed
  }

  /// After four fifths of its life.
  private mutating func scheduleRenewal(of token: Token, now: WallTime) {
    let remaining = token.expires.seconds - now.seconds
    askAt = WallTime(seconds: now.seconds + max(remaining * 4 / 5, 1))
  }

  /// No better one could be had: again after half of what is left.
  private mutating func askAgainAbout(_ token: Token, now: WallTime) {
    let remaining = token.expires.seconds - now.seconds
    askAt = WallTime(seconds: now.seconds + max(remaining / 2, Self.renewalIntervalMin))
  }

  private mutating func expired(_ text: String, now: WallTime) -> OnAnswer {
    trouble = text
    switch holding {
    case .token(let token):
      // A service ticket may outlive the ticket that it came from.
      askAgainAbout(token, now: now)
      return .unchanged
    case .lapsed(_, .expired): return .unchanged
    case .lapsed(let token, _):
      holding = .lapsed(token, .expired)
      return .changed
    case .unknown, .none:
      holding = .lapsed(nil, .expired)
      return .changed
    }
  }

  private mutating func providerHasNone(now: WallTime) -> OnAnswer {
    switch holding {
    case .unknown:
      holding = .none
      return .unchanged
    case .none, .lapsed: return .unchanged
    case .token(let token):
      // A key that is gone was taken away. Destroyed Kerberos tickets (kdestroy) do not end tokens made of them, as
      // they never have in AFS.
      if case .keyring = token.source, !isGiven {
        holding = .lapsed(token, .withdrawn)
        return .changed
      }
      askAgainAbout(token, now: now)
      return .unchanged
    }
  }
}
