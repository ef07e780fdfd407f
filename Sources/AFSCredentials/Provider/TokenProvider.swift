public import AFSTypes

/// Where the tokens of the mount's owner come from.
public protocol TokenProvider: Sendable {
  /// A number that changes when `token` may have another answer. Short system calls only: it is asked before calls.
  func stamp(for cell: CellName) -> UInt64

  /// The token to use now; may ask a KDC.
  /// - Parameter last: the token that its user has and that is about to end, or that a server refused: not that one
  ///   again, where another can be had. nil when there is none.
  func token(for cell: CellName, insteadOf last: Token?) async -> TokenAnswer

  /// The user does not want his tokens any more (unlog): what is got automatically stays away until he asks for it
  /// again, by a new ticket or a new key.
  func withdraw(_ cell: CellName)
}
