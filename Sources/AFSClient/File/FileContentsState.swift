internal import AFSBase
internal import AFSCache
internal import AFSCredentials
internal import AFSTypes

/// What is known of one file's bytes: which are cached, of which data version, which are changed here. A value:
/// `FileContents` keeps it behind a lock, and moves the bytes themselves.
///
/// Invariants: `dirty` and `storing` are parts of `valid`; no range reaches beyond `size`, save fetches'. A byte below
/// `size` which is not in `valid` is zero when it is in `zeros` or not below `serverExtent`, and is the server's otherwise.
struct FileContentsState {
  // MARK: The server's file

  /// The data version of all clean ranges; nil before the first status.
  private(set) var version: DataVersion?
  /// The versions from here to `version` differ only by our own stores.
  private(set) var lineageStart = DataVersion(0)
  private(set) var serverLength: UInt64 = 0
  /// Counts changes of the contents that were not made here.
  private(set) var epoch: UInt64 = 0

  // MARK: The local file

  private(set) var size: UInt64 = 0
  /// The size was changed here: it, and not the server's, counts until it is stored.
  private(set) var sizeIsLocal = false
  private(set) var valid = RangeSet()
  /// Ranges known to be zero at `version` which take no room in the cache.
  private(set) var zeros = RangeSet()
  private(set) var dirty = RangeSet()
  /// The range that a store call is sending.
  private(set) var storing: Range<UInt64>?
  /// The smallest size that the file was cut to since the last store: the server's bytes from here on are void.
  private(set) var truncatedTo: UInt64?
  /// The same since the store under way was planned: it does not carry out these cuts.
  private(set) var truncatedDuringStore: UInt64?
  /// Stores which failed since the last that did not: each may have been carried out.
  private(set) var uncertainStores: UInt64 = 0
  /// Counts changes of size and time, so that the end of a store knows what came after its start.
  private(set) var changeCount: UInt64 = 0
  private(set) var modified = WallTime(seconds: 0)
  /// The time, or nothing but the time, is yet to be stored.
  private(set) var modifiedIsPending = false
  /// Permission bits which are yet to be stored.
  private(set) var permissions: UInt16?
  private(set) var writer: Identity?

  // MARK: Transfers between memory and the cache file that run outside of the lock

  /// Local writes under way; others may overlap them.
  var writing: [Range<UInt64>] = []
  /// Fetched data on its way in, and ranges being emptied: no write may overlap them.
  var filling: [Range<UInt64>] = []
  var fetches: [Fetch] = []
  /// Grows when bytes of the cache file that a reader may have found valid can change under it.
  var generation: UInt64 = 0
  /// The end of what was ever written to the cache file.
  var storageEnd: UInt64 = 0
  /// A status that came while a store ran: its meaning shows when the store's own status has come.
  private(set) var statusDuringStore: (version: DataVersion, length: UInt64)?

  /// From here on the server's bytes were cut away here: what was not written since is zero, whatever the server has.
  var cutAt: UInt64 { min(truncatedTo ?? .max, truncatedDuringStore ?? .max) }

  private var uncutLength: UInt64 { min(serverLength, cutAt) }

  /// The part of our file that the server could be asked for.
  var serverExtent: UInt64 { min(uncutLength, size) }

  var hasLocalChange: Bool {
    !dirty.isEmpty || storing != nil || truncatedTo != nil || sizeIsLocal || modifiedIsPending || permissions != nil
  }

  /// Bytes which only we have.
  var unstoredBytes: UInt64 { dirty.count + (storing?.length ?? 0) }

  // MARK: Versions

  /// What a status meant.
  enum OnStatus: Equatable {
    case nothingNew
    /// The first status of this file here.
    case first
    /// Somebody else changed the contents; `conflict` when they are changed here as well.
    case replaced(conflict: Bool)
  }

  /// Takes what a status says, when it is not the answer to a store of ours.
  mutating func learned(version new: DataVersion, length: UInt64) -> OnStatus {
    guard storing == nil else {
      if statusDuringStore.map({ $0.version <= new }) ?? true { statusDuringStore = (new, length) }
      return .nothingNew
    }
    return adopt(version: new, length: length)
  }

  /// What a cache of an earlier life knows: it counts only if the server's version is still the same.
  mutating func restore(_ record: CacheRecord) {
    version = record.dataVersion
    lineageStart = record.dataVersion
    serverLength = record.length
    size = record.length
    valid = record.valid
    storageEnd = record.valid.upperBound
  }

  var record: CacheRecord? {
    guard let version, !hasLocalChange, fetches.isEmpty, !valid.isEmpty else { return nil }
    return CacheRecord(dataVersion: version, length: serverLength, valid: valid)
  }

  private mutating func adopt(version new: DataVersion, length: UInt64) -> OnStatus {
    guard let old = version else {
      version = new
      lineageStart = new
      serverLength = length
      followServerLength()
      return .first
    }
    guard new != old else { return .nothingNew }
    let conflict = hasLocalChange
    dropClean()
    version = new
    lineageStart = new
    serverLength = length
    followServerLength()
    epoch += 1
    return .replaced(conflict: conflict)
  }

  private mutating func followServerLength() {
    guard !sizeIsLocal else { return }
    size = max(serverLength, dirty.upperBound, storing?.upperBound ?? 0)
    sizeIsLocal = size != serverLength
  }

  /// The data version of what is cached means nothing any more.
  mutating func distrust() {
    dropClean()
    epoch += 1
  }

  private mutating func dropClean() {
    var kept = dirty
    if let storing { kept.formUnion(valid.intersection(storing)) }
    valid = kept
    zeros.removeAll()
    // What is on its way may have been read on the server before the change.
    for index in fetches.indices {
      fetches[index].exclude(fetches[index].range)
      fetches[index].isAbandoned = true
    }
    generation += 1
  }

  // MARK: Local changes

  /// The bytes of `range` were written to the cache file by a local writer.
  mutating func wrote(_ range: Range<UInt64>, as identity: Identity, now: WallTime) {
    valid.insert(range)
    dirty.insert(range)
    zeros.remove(range)
    storageEnd = max(storageEnd, range.upperBound)
    for index in fetches.indices { fetches[index].exclude(range) }
    if range.upperBound > size {
      cutServer(at: size)
      size = range.upperBound
      sizeIsLocal = true
    }
    touched(as: identity, now: now)
  }

  /// A write failed midway: what it may have hit is not what the server has any more.
  mutating func writeFailed(_ range: Range<UInt64>) {
    valid.remove(range)
    valid.formUnion(dirty.intersection(range))
    if let storing { valid.formUnion(RangeSet(storing).intersection(range)) }
    generation += 1
  }

  mutating func resized(to new: UInt64, as identity: Identity, now: WallTime) {
    if new < size {
      valid.truncate(to: new)
      dirty.truncate(to: new)
      zeros.truncate(to: new)
      for index in fetches.indices { fetches[index].exclude(new..<UInt64.max) }
      cutServer(at: new)
      generation += 1
    } else if new > size {
      cutServer(at: size)
    }
    sizeIsLocal = sizeIsLocal || new != size
    size = new
    modifiedIsPending = true
    touched(as: identity, now: now)
  }

  /// What the server has from `position` on is void: the file was cut here, or is about to grow here while the
  /// server's file is longer than ours.
  private mutating func cutServer(at position: UInt64) {
    if storing != nil {
      truncatedDuringStore = min(truncatedDuringStore ?? .max, position)
    } else if position < uncutLength {
      truncatedTo = position
    }
  }

  /// Sets the time which the next store sends; false when nothing is to be stored.
  mutating func setModified(_ time: WallTime) -> Bool {
    guard hasLocalChange else { return false }
    modified = time
    modifiedIsPending = true
    changeCount += 1
    return true
  }

  /// Sets the permissions which the next store sends; false when nothing is to be stored.
  mutating func setPermissions(_ permissions: UInt16) -> Bool {
    guard hasLocalChange else { return false }
    self.permissions = permissions
    changeCount += 1
    return true
  }

  /// The server was told of permissions on their own: what was to be sent before is void.
  mutating func permissionsStored() { permissions = nil }

  private mutating func touched(as identity: Identity, now: WallTime) {
    modified = now
    writer = identity
    changeCount += 1
  }

  /// Forgets what was changed here, and takes the server's contents again.
  /// - Returns: how many changed bytes are lost.
  mutating func dropLocalChange() -> UInt64 {
    let lost = dirty.count
    valid.subtract(dirty)
    dirty.removeAll()
    // What was cut away is not cached any more; zeros above the server's length are zeros no longer.
    truncatedTo = nil
    zeros.removeAll()
    size = serverLength
    sizeIsLocal = false
    modifiedIsPending = false
    permissions = nil
    valid.truncate(to: size)
    generation += 1
    epoch += 1
    return lost
  }

  /// Removes clean ranges from the cache.
  mutating func cull(_ ranges: [Range<UInt64>]) {
    for range in ranges {
      valid.remove(range)
      // A fetch which is older than our store of the range must not bring its old bytes back.
      for index in fetches.indices { fetches[index].exclude(range) }
    }
    generation += 1
  }

  /// The file is gone: nothing of it is worth keeping.
  mutating func discard() {
    valid.removeAll()
    zeros.removeAll()
    dirty.removeAll()
    truncatedTo = nil
    truncatedDuringStore = nil
    sizeIsLocal = false
    modifiedIsPending = false
    permissions = nil
    for index in fetches.indices { fetches[index].isAbandoned = true }
    generation += 1
  }

  // MARK: Stores

  /// One StoreData call.
  struct StoreCall: Hashable {
    /// Empty when only the length or the time is stored.
    var range: Range<UInt64>
    /// FileLength: the server cuts the file to it first.
    var length: UInt64
    var modified: WallTime
    /// nil: they stay as they are.
    var permissions: UInt16?
    /// `changeCount` when the call was planned.
    var changeCount: UInt64
    /// Nothing is stored: the server is to commit what it has.
    var isCommit = false
  }

  /// Plans a call which stores the beginning of `range`, which is dirty.
  mutating func beginStore(of range: Range<UInt64>) -> StoreCall {
    dirty.remove(range)
    storing = range
    return storeCall(of: range, length: truncatedTo ?? size)
  }

  /// Plans a call which stores no bytes but what else was changed; nil when nothing was.
  mutating func beginLengthStore() -> StoreCall? {
    guard truncatedTo != nil || sizeIsLocal || modifiedIsPending || permissions != nil else { return nil }
    let length = truncatedTo ?? size
    storing = length..<length
    return storeCall(of: length..<length, length: length)
  }

  /// Permissions go with the last call only: without the owner's write bit the server might refuse another.
  private func storeCall(of range: Range<UInt64>, length: UInt64) -> StoreCall {
    StoreCall(
      range: range, length: length, modified: modified, permissions: dirty.isEmpty ? permissions : nil,
      changeCount: changeCount)
  }

  /// Plans a call which changes nothing; the server counts it as a store.
  mutating func beginCommit() -> StoreCall {
    storing = size..<size
    return StoreCall(
      range: size..<size, length: size, modified: modified, changeCount: changeCount, isCommit: true)
  }

  /// The server's answer to a store. Ours is the only change since `version` if the server counted one.
  mutating func stored(_ call: StoreCall, version new: DataVersion, length: UInt64) -> OnStatus {
    let extentBefore = serverExtent
    let isOwn = version.map { new == $0 || new.rawValue == $0.rawValue &+ 1 } ?? true
    var outcome = OnStatus.nothingNew
    if !isOwn {
      dropClean()
      epoch += 1
      // Failed stores of ours may explain as many versions.
      let explained = (version?.rawValue ?? 0) &+ 1 &+ uncertainStores
      outcome = .replaced(conflict: new.rawValue > explained || new.rawValue < (version?.rawValue ?? 0))
      lineageStart = new
    }
    uncertainStores = 0
    storing = nil
    version = new
    serverLength = length
    truncatedTo = truncatedDuringStore.flatMap { $0 < length ? $0 : nil }
    truncatedDuringStore = nil
    if permissions == call.permissions { permissions = nil }
    // What the server filled up with zeros need never be fetched.
    let filledTo = min(size, serverExtent)
    if isOwn, extentBefore < filledTo { zeros.formUnion(valid.gaps(in: extentBefore..<filledTo)) }
    if changeCount == call.changeCount, dirty.isEmpty {
      modifiedIsPending = false
      if truncatedTo == nil, serverLength == size { sizeIsLocal = false }
    }
    followServerLength()
    return takeStatusDuringStore(outcome)
  }

  /// The call did not reach its end: what the server did of it is not known.
  mutating func storeFailed(_ call: StoreCall) -> OnStatus {
    storing = nil
    uncertainStores += 1
    dirty.formUnion(valid.intersection(call.range))
    if let cut = truncatedDuringStore { truncatedTo = min(truncatedTo ?? .max, cut) }
    truncatedDuringStore = nil
    return takeStatusDuringStore(.nothingNew)
  }

  private mutating func takeStatusDuringStore(_ outcome: OnStatus) -> OnStatus {
    guard let status = statusDuringStore else { return outcome }
    statusDuringStore = nil
    guard let version, status.version > version else { return outcome }
    // What was being stored when the other's change came was changed on both sides, whatever is left to store now.
    guard case .replaced = adopt(version: status.version, length: status.length) else { return outcome }
    return .replaced(conflict: true)
  }

  // MARK: Fetches

  enum OnFetched: Equatable {
    case accepted(OnStatus)
    /// A store is under way: judged when it has ended.
    case parked
    /// It was older than what is known by now.
    case discarded
  }

  /// A fetch has ended well, at this version: its bytes count if that is our version, or a newer one.
  mutating func fetched(_ id: UInt64, version new: DataVersion, length: UInt64) -> OnFetched {
    guard let index = fetches.firstIndex(where: { $0.id == id }) else { return .discarded }
    let isOurs = version.map { lineageStart <= new && new <= $0 } ?? false
    if !isOurs, storing != nil {
      fetches[index].ended = (new, length)
      return .parked
    }
    let fetch = fetches.remove(at: index)
    if isOurs {
      valid.formUnion(fetch.arrived)
      return .accepted(.nothingNew)
    }
    // A lower version than ours is news only if ours was known when the fetch began (a volume restored from a dump).
    guard version == nil || version! < new || fetch.epoch == epoch else {
      generation += 1
      return .discarded
    }
    let outcome = adopt(version: new, length: length)
    valid.formUnion(fetch.arrived)
    valid.truncate(to: size)
    return .accepted(outcome)
  }

  /// A fetch came to nothing.
  mutating func fetchFailed(_ id: UInt64) {
    fetches.removeAll { $0.id == id }
    generation += 1
  }
}
