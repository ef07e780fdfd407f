internal import DequeModule
internal import Synchronization

/// Cache files in the order of their last use, nearly: a use is noted when the file has fallen behind by an eighth of
/// the queue, so that reading a busy file over and over takes no lock.
///
/// A file is entered anew at each use; its `stamp` tells the entry that counts from older ones, which are skipped.
struct RecencyQueue {
  private var entries: Deque<(file: CacheFile, stamp: UInt64)> = []
  /// Entries at which the old ones are cleared away.
  private var compactAt = 1024

  /// Live and outdated entries; at most about twice the files.
  var count: Int { entries.count }

  mutating func append(_ file: CacheFile, stamp: UInt64) {
    file.stamp.store(stamp, ordering: .relaxed)
    entries.append((file, stamp))
    guard entries.count >= compactAt else { return }
    entries.removeAll { $0.file.stamp.load(ordering: .relaxed) != $0.stamp }
    compactAt = max(1024, 2 * entries.count)
  }

  /// Takes out the file that was not used for longest.
  mutating func popFirst() -> CacheFile? {
    while let entry = entries.popFirst() {
      if entry.file.stamp.load(ordering: .relaxed) == entry.stamp { return entry.file }
    }
    return nil
  }
}
