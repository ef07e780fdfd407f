/// Who asks: the key of everything that is cached per user (rights, tokens, connections).
///
/// On a private mount all requests are its owner's; on a shared one the user id that FUSE gives with each request tells
/// callers apart. A process authentication group would be a second field, beside the user id: nothing else takes an
/// identity apart.
public struct Identity: Hashable, Sendable {
  /// The local user id of the caller, as FUSE gives it.
  public var uid: UInt32

  public init(uid: UInt32) {
    self.uid = uid
  }

  /// Requests which the daemon makes for itself.
  public static let daemon = Identity(uid: 0)
}
