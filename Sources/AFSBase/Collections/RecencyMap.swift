/// A dictionary which knows the order in which its keys were last used: what bounded caches are made of.
///
/// All operations take constant time. Values stay at one place in memory, so that `isKnownUniquelyReferenced` can
/// be asked about them in place (`withValue`).
public struct RecencyMap<Key: Hashable, Value> {
  fileprivate struct Entry {
    var key: Key
    var value: Value
    /// Neighbours by use, -1 for none.
    var newer: Int
    var older: Int
  }

  private var indices: [Key: Int] = [:]
  private var entries: [Entry?] = []
  private var free: [Int] = []
  private var newest = -1
  private var oldest = -1

  public init() {}

  public var count: Int { indices.count }
  public var oldestKey: Key? { oldest < 0 ? nil : entries[oldest]?.key }

  /// The value, without counting as a use.
  public func peek(_ key: Key) -> Value? {
    indices[key].flatMap { entries[$0]?.value }
  }

  /// The value; its key becomes the most recently used one.
  public mutating func use(_ key: Key) -> Value? {
    guard let index = indices[key] else { return nil }
    if index != newest {
      unlink(index)
      linkAsNewest(index)
    }
    return entries[index]?.value
  }

  /// Sets a value; its key becomes the most recently used one.
  /// - Returns: the value that it replaces.
  @discardableResult
  public mutating func insert(_ value: Value, for key: Key) -> Value? {
    if let index = indices[key] {
      let previous = entries[index]?.value
      entries[index]?.value = value
      _ = use(key)
      return previous
    }
    let entry = Entry(key: key, value: value, newer: -1, older: -1)
    let index: Int
    if let reused = free.popLast() {
      entries[reused] = entry
      index = reused
    } else {
      entries.append(entry)
      index = entries.count - 1
    }
    indices[key] = index
    linkAsNewest(index)
    return nil
  }

  @discardableResult
  public mutating func remove(_ key: Key) -> Value? {
    guard let index = indices.removeValue(forKey: key) else { return nil }
    unlink(index)
    let value = entries[index]?.value
    entries[index] = nil
    free.append(index)
    return value
  }

  /// Gives `body` the value where it lies; nil when the key is not there. Does not count as a use.
  public mutating func withValue<R>(_ key: Key, _ body: (inout Value) -> R) -> R? {
    guard let index = indices[key] else { return nil }
    return body(&entries[index]!.value)
  }

  /// The value at a place from 0 to `count`; which one is where changes with every insertion and removal.
  public func value(at index: Int) -> Value? {
    guard index < indices.count else { return nil }
    if let entry = entries[index] { return entry.value }
    // A gap: entries from the end fill it.
    let gap = entries[..<index].count { $0 == nil }
    return entries[indices.count...].lazy.compactMap { $0?.value }.dropFirst(gap).first
  }

  /// All values, in no particular order.
  public func forEach(_ body: (Key, Value) -> Void) {
    for entry in entries {
      if let entry { body(entry.key, entry.value) }
    }
  }

  private mutating func unlink(_ index: Int) {
    let (newer, older) = (entries[index]!.newer, entries[index]!.older)
    if newer >= 0 { entries[newer]!.older = older } else { newest = older }
    if older >= 0 { entries[older]!.newer = newer } else { oldest = newer }
  }

  private mutating func linkAsNewest(_ index: Int) {
    entries[index]!.newer = -1
    entries[index]!.older = newest
    if newest >= 0 { entries[newest]!.newer = index }
    newest = index
    if oldest < 0 { oldest = index }
  }
}

extension RecencyMap: Sendable where Key: Sendable, Value: Sendable {}
extension RecencyMap.Entry: Sendable where Key: Sendable, Value: Sendable {}
