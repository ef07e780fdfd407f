internal import AFSCache
internal import AFSCredentials
internal import AFSTypes

/// One FetchData call under way for a file. Its bytes arrive in order; which data version they are of shows only at its
/// end.
struct Fetch {
  let id: UInt64
  let range: Range<UInt64>
  let identity: Identity
  /// `FileContentsState.epoch` at the start.
  let epoch: UInt64
  /// Where the next bytes belong.
  var next: UInt64
  /// What it has put into the cache file.
  var arrived = RangeSet()
  /// What was changed here since it began.
  var excluded = RangeSet()
  /// Nobody wants it any more: it ends at its next bytes.
  var isAbandoned = false
  /// Set while its verdict waits for the end of a store.
  var ended: (version: DataVersion, length: UInt64)?

  init(id: UInt64, range: Range<UInt64>, identity: Identity, epoch: UInt64) {
    self.id = id
    self.range = range
    self.identity = identity
    self.epoch = epoch
    next = range.lowerBound
  }

  mutating func exclude(_ other: Range<UInt64>) {
    guard other.overlaps(range) else { return }
    excluded.insert(other.clamped(to: range))
    arrived.remove(other)
  }

  mutating func arrived(_ pieces: [Range<UInt64>]) {
    for piece in pieces { arrived.insert(piece) }
    if !excluded.isEmpty { arrived.subtract(excluded) }
  }
}
