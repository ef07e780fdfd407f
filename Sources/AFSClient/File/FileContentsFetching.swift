internal import AFSBase
internal import AFSCache
internal import AFSCredentials
internal import AFSTypes
internal import RxTransport
internal import Synchronization

/// Fetching: which calls are made, where their bytes go, and what their end means.
extension FileContents {
  /// Cached islands smaller than this are fetched over: a call costs more than their bytes.
  static let islandMin: UInt64 = 64 << 10

  /// Starts calls for what of `demand` is neither here nor on its way; only those that hold a part of `needed`.
  func startFetches(
    _ guarded: inout Guarded, for demand: Range<UInt64>, needed: Range<UInt64>, identity: Identity, wholly: Bool
  ) {
    if wholly, !guarded.state.fetches.contains(where: { $0.range.overlaps(needed) }) {
      let range = guarded.state.version == nil ? needed : needed.clamped(to: 0..<guarded.state.serverExtent)
      guarded.state.cull(guarded.state.clean(in: range).ranges)
      start(&guarded, range, identity: identity, reserved: 0)
      return
    }
    var wanted = demand
    if guarded.state.version != nil {
      // Beyond lie bytes which were cut away here.
      wanted = demand.clamped(to: 0..<guarded.state.serverExtent)
    }
    for gap in guarded.state.fetchable(in: wanted).ranges where gap.overlaps(needed) {
      start(&guarded, gap, identity: identity, reserved: 0)
    }
  }

  /// Starts read-ahead, as far as the budget goes; what it refuses is asked for again by a later read.
  func startAhead(_ guarded: inout Guarded, _ plan: ReadAhead.Plan, for reader: OpenContents) {
    guard guarded.state.version != nil, !guarded.bypassesCache, !plan.ahead.isEmpty else { return }
    if let refused = startAhead(&guarded, plan, identity: reader.identity) { reader.aheadRefused(from: refused) }
  }

  /// - Returns: where the budget ended.
  private func startAhead(_ guarded: inout Guarded, _ plan: ReadAhead.Plan, identity: Identity) -> UInt64? {
    let wanted = plan.ahead.clamped(to: 0..<guarded.state.serverExtent)
    var underWay = guarded.state.fetches.reduce(0) { $0 + $1.range.length }
    for gap in guarded.state.fetchable(in: wanted).ranges {
      var position = gap.lowerBound
      while position < gap.upperBound {
        let call = position..<min(gap.upperBound, position + plan.callMax)
        underWay += call.length
        guard underWay <= context.limits.fetchingMax, guarded.state.fetches.count < fetchCallsMax(guarded),
          context.budget.reserve(call.length)
        else { return position }
        start(&guarded, call, identity: identity, reserved: call.length)
        position = call.upperBound
      }
    }
    return nil
  }

  private func isDistant(_ guarded: borrowing Guarded) -> Bool {
    guarded.firstBytesAfter.map { $0 >= context.limits.distance } ?? false
  }

  private func fetchCallsMax(_ guarded: borrowing Guarded) -> Int {
    isDistant(guarded) ? context.limits.fetchCallsMaxDistant : context.limits.fetchCallsMax
  }

  /// Into how many calls a reader's window is cut: half of it each from a near server, which wants few and long ones.
  func callsAhead(_ guarded: borrowing Guarded) -> Int {
    isDistant(guarded) ? context.limits.fetchCallsMaxDistant : 2
  }

  /// - Parameter reserved: bytes of the read-ahead budget, given back at the end.
  func start(_ guarded: inout Guarded, _ range: Range<UInt64>, identity: Identity, reserved: UInt64) {
    let id = guarded.makeID()
    guarded.state.fetches.append(Fetch(id: id, range: range, identity: identity, epoch: guarded.state.epoch))
    context.spawn { [self] in
      await fetch(id, range, identity: identity)
      if reserved > 0 { context.budget.release(reserved) }
    }
  }

  private func fetch(_ id: UInt64, _ range: Range<UInt64>, identity: Identity) async {
    let began = context.timer.now
    do throws(AFSError) {
      let (status, count) = try await context.transfers.fetch(
        file, offset: range.lowerBound, count: range.length, as: identity
      ) { [self] bytes, offset throws(AFSError) in
        if offset == range.lowerBound { noteFirstBytes(after: context.timer.now - began) }
        try fill(id, bytes, at: offset)
      }
      let due = max(range.lowerBound, min(range.upperBound, status.length)) - range.lowerBound
      guard count >= due else {
        throw AFSError.corrupt("fetch of \(file.fid) brought \(count) bytes of \(due)")
      }
      fetchEnded(id, status)
    } catch {
      fetchFailed(id, error)
    }
  }

  private func noteFirstBytes(after time: Duration) {
    guarded.withLock { $0.firstBytesAfter = min($0.firstBytesAfter ?? time, time) }
  }

  /// Takes bytes of a fetch into the cache file, except where there are newer ones.
  private func fill(_ id: UInt64, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(AFSError) {
    let chunk = Range<UInt64>(offset: offset, count: UInt64(bytes.count))
    let (pieces, storage) = try guarded.withLock { guarded throws(AFSError) in
      let pieces = try guarded.state.beginFill(id, chunk)
      return (pieces, guarded.storage!)
    }
    var failure: CacheError?
    do throws(CacheError) {
      for piece in pieces {
        let start = Int(piece.lowerBound - offset)
        try storage.write(
          at: piece.lowerBound, UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(piece.length)]))
      }
    } catch {
      failure = error
    }
    let (busy, ready) = guarded.withLock { guarded in
      guarded.state.endFill(id, pieces, next: chunk.upperBound, succeeded: failure == nil)
      return (guarded.takeBusyWaiters(), guarded.takeReadyReaders())
    }
    busy.resumeAll()
    ready.resumeAll()
    if let failure { throw AFSError(failure) }
  }

  private func fetchEnded(_ id: UInt64, _ status: FileStatus) {
    let (outcome, readers) = guarded.withLock { guarded in
      let outcome = guarded.state.fetched(id, version: status.dataVersion, length: status.length)
      // Parked: who waits for bytes of several fetches waits for the store, too.
      return (outcome, outcome == .parked ? guarded.takeReadyReaders() : guarded.takeAllReaders())
    }
    readers.resumeAll()
    if case .accepted(let status) = outcome { announce(status) }
  }

  private func fetchFailed(_ id: UInt64, _ error: AFSError) {
    let (readers, wasAbandoned) = guarded.withLock { guarded -> ([Continuation], Bool) in
      guard let fetch = guarded.state.fetches.first(where: { $0.id == id }) else { return ([], true) }
      guarded.state.fetchFailed(id)
      return (guarded.takeReaders { $0.overlaps(fetch.range) }, fetch.isAbandoned)
    }
    // Who waits for what we gave up looks again, and asks anew.
    readers.resumeAll(wasAbandoned ? .success(()) : .failure(error))
  }

  /// The verdict on fetches which ended while a store was under way. Called under the lock, after the store.
  func judgeParked(_ guarded: inout Guarded) -> [FileContentsState.OnStatus] {
    var outcomes: [FileContentsState.OnStatus] = []
    for fetch in guarded.state.fetches {
      guard let (version, length) = fetch.ended else { continue }
      if case .accepted(let outcome) = guarded.state.fetched(fetch.id, version: version, length: length) {
        outcomes.append(outcome)
      }
    }
    return outcomes
  }

  /// Fetches that nobody waits for end at their next bytes.
  func abandonFetches(_ guarded: inout Guarded) {
    for index in guarded.state.fetches.indices {
      let range = guarded.state.fetches[index].range
      if !guarded.readers.values.contains(where: { $0.range.overlaps(range) }) {
        guarded.state.fetches[index].isAbandoned = true
      }
    }
  }
}

extension FileContents.Guarded {
  mutating func takeReaders(where isMeant: (Range<UInt64>) -> Bool) -> [FileContents.Continuation] {
    var taken: [FileContents.Continuation] = []
    for (id, reader) in readers where isMeant(reader.range) {
      taken.append(reader.continuation)
      readers[id] = nil
    }
    return taken
  }

  mutating func takeAllReaders() -> [FileContents.Continuation] {
    takeReaders { _ in true }
  }

  /// Readers whose bytes are here.
  mutating func takeReadyReaders() -> [FileContents.Continuation] {
    guard !readers.isEmpty, state.version != nil else { return [] }
    let state = state
    return takeReaders { range in
      if state.valid.contains(range) { return true }
      let (zeros, missing) = state.unknown(in: range)
      return missing.isEmpty || state.isArriving(range, zeros: zeros, missing: missing)
    }
  }
}

extension FileContentsState {
  /// What of `range` is cached and the same as on the server.
  func clean(in range: Range<UInt64>) -> RangeSet {
    var clean = valid.intersection(range)
    clean.subtract(dirty)
    if let storing { clean.remove(storing) }
    return clean
  }

  /// What of `range` is worth a call: neither cached (small islands aside) nor on its way nor known to be zero.
  func fetchable(in range: Range<UInt64>) -> RangeSet {
    guard !range.isEmpty else { return RangeSet() }
    var wanted = valid.gaps(in: range)
    wanted.subtract(zeros)
    for fetch in fetches where !fetch.isAbandoned { wanted.remove(fetch.range) }
    guard wanted.ranges.count > 1 else { return wanted }
    // Gaps with little between them become one call, unless a fetch lies between.
    var merged = RangeSet()
    var last: Range<UInt64>?
    for gap in wanted.ranges {
      if let previous = last, gap.lowerBound - previous.upperBound < FileContents.islandMin,
        !fetches.contains(where: { $0.range.overlaps(previous.upperBound..<gap.lowerBound) })
      {
        merged.insert(previous.upperBound..<gap.lowerBound)
      }
      merged.insert(gap)
      last = gap
    }
    return merged
  }

  /// Bytes of a fetch have come: which of them to write to the cache file. They stay busy until `endFill`.
  mutating func beginFill(_ id: UInt64, _ chunk: Range<UInt64>) throws(AFSError) -> [Range<UInt64>] {
    guard let index = fetches.firstIndex(where: { $0.id == id }), !fetches[index].isAbandoned else {
      throw .interrupted
    }
    if chunk.lowerBound == fetches[index].range.lowerBound, fetches[index].next > chunk.lowerBound {
      // Another server is asked after the first one's answer has failed at its end.
      fetches[index].next = chunk.lowerBound
      fetches[index].arrived.removeAll()
      generation += 1
    }
    let fetch = fetches[index]
    guard chunk.lowerBound == fetch.next, chunk.upperBound <= fetch.range.upperBound else {
      throw .corrupt("bytes \(chunk) do not continue the fetch of \(fetch.range) at \(fetch.next)")
    }
    var pieces = valid.gaps(in: chunk)
    pieces.subtract(fetch.excluded)
    for write in writing { pieces.remove(write) }
    for other in filling { pieces.remove(other) }
    filling += pieces.ranges
    return pieces.ranges
  }

  mutating func endFill(_ id: UInt64, _ pieces: [Range<UInt64>], next: UInt64, succeeded: Bool) {
    for piece in pieces {
      if let index = filling.firstIndex(of: piece) { filling.remove(at: index) }
      storageEnd = max(storageEnd, piece.upperBound)
    }
    guard succeeded, let index = fetches.firstIndex(where: { $0.id == id }) else { return }
    fetches[index].next = next
    fetches[index].arrived(pieces)
  }
}
