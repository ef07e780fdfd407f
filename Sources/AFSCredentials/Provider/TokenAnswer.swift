/// What a provider says of an identity's token in a cell.
public enum TokenAnswer: Hashable, Sendable {
  case token(Token)
  /// There is none, and that is no failure.
  case none
  /// There was one, and it has ended; the text says what to do.
  case expired(String)
  /// There might be one: later, perhaps.
  case failed(String)
}
