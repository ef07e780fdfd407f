/// Who asks: the key of everything that is cached per user (rights, tokens, connections).
///
/// Today every request of a mount is anonymous towards the servers; the user id keeps requests of different
/// local users apart for errors and locks.
public struct Identity: Hashable, Sendable {
  /// The local user id of the caller, as FUSE gives it.
  public var uid: UInt32

  public init(uid: UInt32) {
    self.uid = uid
  }

  /// Requests which the daemon makes for itself.
  public static let daemon = Identity(uid: 0)
}
