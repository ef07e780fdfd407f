internal import AFSCache
internal import AFSCredentials
internal import AFSTypes
internal import Synchronization

/// Reading: from the cache file where it can be, else after a fetch has brought the bytes.
extension FileContents {
  /// How a read from the cache went.
  enum ReadOutcome {
    case done(Int)
    /// Some of the range is not here; the whole range asked for, cut at the end of the file.
    case missing(Range<UInt64>)
    case cacheFailed(AFSError)
  }

  /// Where the bytes of a read come from.
  private struct ReadSource {
    var range: Range<UInt64>
    /// Parts which are zero without being in the cache file.
    var zeros = RangeSet()
    var generation: UInt64
    var storage: CacheFile
  }

  /// A read repeats when its range changed meanwhile: after so many times it asks for a fetch instead.
  private static let repeatsMax = 8

  /// Reads what is in the cache, without waiting.
  func readNow(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> ReadOutcome {
    var wanted = Range<UInt64>(offset: offset, count: UInt64(buffer.count))
    for _ in 0..<Self.repeatsMax {
      let found = guarded.withLock { guarded in
        wanted = offset..<max(offset, min(wanted.upperBound, guarded.state.size))
        guarded.lastRead = wanted.upperBound
        return Self.source(of: wanted, in: guarded)
      }
      guard let source = found else { return .missing(wanted) }
      guard !source.range.isEmpty else { return .done(0) }
      let target = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(source.range.length)])
      do {
        try source.storage.read(at: offset, into: target)
      } catch {
        return .cacheFailed(AFSError(error))
      }
      for zero in source.zeros.ranges {
        let start = Int(zero.lowerBound - offset)
        UnsafeMutableRawBufferPointer(rebasing: target[start..<start + Int(zero.length)])
          .initializeMemory(as: UInt8.self, repeating: 0)
      }
      if guarded.withLock({ $0.state.generation == source.generation }) { return .done(Int(source.range.length)) }
    }
    return .missing(wanted)
  }

  /// nil when some of `range` is not here.
  private static func source(of range: Range<UInt64>, in guarded: borrowing Guarded) -> ReadSource? {
    guard guarded.state.version != nil else { return nil }
    var source = ReadSource(range: range, generation: guarded.state.generation, storage: guarded.storage!)
    if guarded.state.valid.contains(range) { return source }
    let (zeros, missing) = guarded.state.unknown(in: range)
    guard missing.isEmpty || guarded.state.isArriving(range, zeros: zeros, missing: missing) else { return nil }
    source.zeros = zeros
    return source
  }

  /// Reads, fetching what is missing.
  func read(
    at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer, for reader: OpenContents
  ) async throws(AFSError) -> Int {
    var attempt = 0
    while true {
      switch readNow(at: offset, into: buffer) {
      case .done(let count): return count
      case .cacheFailed:
        guarded.withLock { $0.bypassesCache = true }
        return try await readThrough(at: offset, into: buffer, as: reader.identity)
      case .missing(let range):
        if guarded.withLock({ $0.bypassesCache }) {
          return try await readThrough(at: offset, into: buffer, as: reader.identity)
        }
        attempt += 1
        // Each attempt fails only because the file was changed by somebody else meanwhile.
        guard attempt <= 100 else { throw .busy }
        do {
          try await awaitArrival(of: range, asked: buffer.count, for: reader, wholly: attempt > 3)
        } catch .noSpace, .cacheFailure {
          guarded.withLock { $0.bypassesCache = true }
        }
      }
    }
  }

  /// Sees to it that all of `range` is on its way, and waits until it is here or something went wrong or otherwise.
  /// - Parameter wholly: asks for the range in one call, so that its bytes are of one version for certain.
  private func awaitArrival(
    of range: Range<UInt64>, asked: Int, for reader: OpenContents, wholly: Bool
  ) async throws(AFSError) {
    try await wait { [self] guarded, id, continuation in
      // An unknown size: any answer tells it.
      let range =
        guarded.state.version == nil ? Range(offset: range.lowerBound, count: UInt64(asked)) : range
      if guarded.state.version != nil, Self.source(of: range, in: guarded) != nil { return .success(()) }
      let extent = guarded.state.version == nil ? range.upperBound : guarded.state.serverExtent
      let plan = reader.plan(
        for: range, extent: extent, calls: callsAhead(guarded), limits: context.limits.readAhead)
      let demand = wholly ? range : plan.demand
      startFetches(&guarded, for: demand, needed: range, identity: reader.identity, wholly: wholly)
      startAhead(&guarded, plan, for: reader)
      guarded.readers[id] = ReadWaiter(range: range, continuation: continuation)
      return nil
    } remove: { guarded, id in
      guarded.readers.removeValue(forKey: id)?.continuation
    }
  }

  /// Notes a read that the cache has served, and keeps the window ahead of it filled.
  func readAhead(of range: Range<UInt64>, for reader: OpenContents) {
    let (extent, calls) = guarded.withLock { guarded in
      let isUnknown = guarded.bypassesCache || guarded.state.version == nil
      return (isUnknown ? 0 : guarded.state.serverExtent, callsAhead(guarded))
    }
    let plan = reader.plan(for: range, extent: extent, calls: calls, limits: context.limits.readAhead)
    guard !plan.ahead.isEmpty else { return }
    guarded.withLock { startAhead(&$0, plan, for: reader) }
  }
}

extension FileContentsState {
  /// What of `range` is not in the cache file: zeros, and what the server must be asked for.
  func unknown(in range: Range<UInt64>) -> (zeros: RangeSet, missing: RangeSet) {
    var known = RangeSet()
    var missing = RangeSet()
    for gap in valid.gaps(in: range).ranges {
      let extent = serverExtent
      if gap.upperBound > extent { known.insert(max(gap.lowerBound, extent)..<gap.upperBound) }
      guard gap.lowerBound < extent else { continue }
      let below = gap.lowerBound..<min(gap.upperBound, extent)
      known.formUnion(zeros.intersection(below))
      missing.formUnion(zeros.gaps(in: below))
    }
    return (known, missing)
  }

  /// One fetch has brought all of `range` that was not changed here: its bytes are of one version, even if it is not
  /// yet known of which.
  func isArriving(_ range: Range<UInt64>, zeros: RangeSet, missing: RangeSet) -> Bool {
    guard !zeros.overlaps(range.lowerBound..<max(range.lowerBound, cutAt)),
      let fetch = fetches.first(where: { fetch in
        missing.ranges.allSatisfy { fetch.arrived.contains($0) }
      })
    else { return false }
    return clean(in: range).subtracting(fetch.excluded).isEmpty
  }
}
