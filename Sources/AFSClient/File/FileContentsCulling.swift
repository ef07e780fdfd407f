internal import AFSCache
internal import Synchronization

/// Giving room back to the cache.
extension FileContents {
  /// What is spared in front of the last reader, bytes.
  private static let spared: UInt64 = 1 << 20
  private static let block: UInt64 = 4096
  /// Ranges which one request empties, at most.
  private static let piecesMax = 16

  package func cull(_ bytes: UInt64) {
    let isUnused = guarded.withLock { guarded in
      guard guarded.openCount == 0, !guarded.state.hasLocalChange, guarded.state.fetches.isEmpty,
        guarded.readers.isEmpty, guarded.state.isQuiet(in: 0..<UInt64.max)
      else { return false }
      guarded.state.cull([0..<UInt64.max])
      return true
    }
    if isUnused { emptyStorage() } else { punch(bytes) }
  }

  /// Removes the whole cache file, unless something is under way in it.
  func emptyStorage() {
    let storage = guarded.withLock { guarded -> CacheFile? in
      guard guarded.state.valid.isEmpty, guarded.state.isQuiet(in: 0..<UInt64.max) else { return nil }
      guarded.state.filling.append(0..<UInt64.max)
      return guarded.storage
    }
    guard let storage else { return }
    storage.removeStorage()
    let busy = guarded.withLock { guarded in
      guarded.state.endEmptying([0..<UInt64.max])
      guarded.state.storageEnd = 0
      return guarded.takeBusyWaiters()
    }
    busy.resumeAll()
  }

  /// Frees clean ranges of a file in use.
  private func punch(_ bytes: UInt64) {
    let (ranges, storage) = guarded.withLock { guarded -> ([Range<UInt64>], CacheFile) in
      let ranges = victims(bytes, guarded)
      if !ranges.isEmpty { guarded.state.cull(ranges) }
      guarded.state.filling += ranges
      return (ranges, guarded.storage!)
    }
    guard !ranges.isEmpty else { return }
    for range in ranges { storage.punch(range) }
    let busy = guarded.withLock { guarded in
      guarded.state.endEmptying(ranges)
      return guarded.takeBusyWaiters()
    }
    busy.resumeAll()
  }

  /// Whole blocks of clean ranges: what lies behind the last reader first, then from the end of the file backwards.
  private func victims(_ bytes: UInt64, _ guarded: borrowing Guarded) -> [Range<UInt64>] {
    let bytes = min(bytes, UInt64.max / 2)
    var clean = guarded.state.clean(in: 0..<UInt64.max)
    for busy in guarded.state.writing + guarded.state.filling { clean.remove(busy) }
    for reader in guarded.readers.values { clean.remove(reader.range) }
    let reader = guarded.lastRead
    clean.remove(Range(offset: reader, count: Self.spared))
    let order =
      clean.ranges.filter { $0.upperBound <= reader } + clean.ranges.filter { $0.upperBound > reader }.reversed()
    var victims: [Range<UInt64>] = []
    var found: UInt64 = 0
    for range in order where found < bytes && victims.count < Self.piecesMax {
      var lower = (range.lowerBound + Self.block - 1) / Self.block * Self.block
      var upper = range.upperBound / Self.block * Self.block
      guard lower < upper else { continue }
      let wanted = min(upper - lower, (bytes - found + Self.block - 1) / Self.block * Self.block)
      if range.upperBound <= reader { upper = lower + wanted } else { lower = upper - wanted }
      victims.append(lower..<upper)
      found += upper - lower
    }
    return victims
  }
}
