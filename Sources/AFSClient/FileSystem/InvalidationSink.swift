/// Where the client says what the kernel must forget.
public protocol InvalidationSink: Sendable {
  /// Queues; never waits, may be called under locks.
  func invalidate(_ invalidation: Invalidation)

  /// Returns when all that was queued before has reached the kernel, or `limit` has passed. A callback break's
  /// reply waits for it, briefly: then who changed the file knows that we see the change. It must be bounded: the
  /// kernel may hold a lock for a request which waits for the server which waits for this reply.
  func settle(within limit: Duration) async
}

public enum Invalidation: Hashable, Sendable {
  /// The attributes may have changed.
  case attributes(FileKey)
  /// The attributes and the data have changed.
  case contents(FileKey)
  /// Any name in the directory, and its listing, may have changed.
  case names(ofDirectory: FileKey)
  case name([UInt8], inDirectory: FileKey)
}
