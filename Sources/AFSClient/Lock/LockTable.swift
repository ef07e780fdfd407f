/// The locks of one style that processes of this host hold on one file: a value with the rules of fcntl(2) and flock(2).
///
/// An owner's new lock replaces what he has in its range: his locks never overlap each other, and neighbours of one kind
/// are one.
struct LockTable: Hashable, Sendable {
  struct Held: Hashable, Sendable {
    var owner: UInt64
    var processID: Int32
    var range: Range<UInt64>
    var isExclusive: Bool
  }

  private(set) var held: [Held] = []

  var isEmpty: Bool { held.isEmpty }
  var hasExclusive: Bool { held.contains { $0.isExclusive } }
  var owners: Set<UInt64> { Set(held.map(\.owner)) }

  func isHolding(_ owner: UInt64) -> Bool { held.contains { $0.owner == owner } }

  /// The first lock of somebody else that excludes this one.
  func conflict(owner: UInt64, range: Range<UInt64>, isExclusive: Bool) -> Held? {
    held.filter { $0.owner != owner && $0.range.overlaps(range) && (isExclusive || $0.isExclusive) }
      .min { $0.range.lowerBound < $1.range.lowerBound }
  }

  mutating func set(owner: UInt64, processID: Int32, range: Range<UInt64>, isExclusive: Bool) {
    guard !range.isEmpty else { return }
    clear(owner: owner, range: range)
    var new = Held(owner: owner, processID: processID, range: range, isExclusive: isExclusive)
    held.removeAll { other in
      guard other.owner == owner, other.isExclusive == isExclusive,
        other.range.upperBound == new.range.lowerBound || new.range.upperBound == other.range.lowerBound
      else { return false }
      new.range =
        min(new.range.lowerBound, other.range.lowerBound)..<max(new.range.upperBound, other.range.upperBound)
      return true
    }
    held.append(new)
  }

  /// - Returns: whether the owner had a lock there.
  @discardableResult
  mutating func clear(owner: UInt64, range: Range<UInt64>) -> Bool {
    var kept: [Held] = []
    var hadSome = false
    for lock in held {
      guard lock.owner == owner, lock.range.overlaps(range) else {
        kept.append(lock)
        continue
      }
      hadSome = true
      // What lies before and behind stays.
      if lock.range.lowerBound < range.lowerBound {
        var before = lock
        before.range = lock.range.lowerBound..<range.lowerBound
        kept.append(before)
      }
      if range.upperBound < lock.range.upperBound {
        var behind = lock
        behind.range = range.upperBound..<lock.range.upperBound
        kept.append(behind)
      }
    }
    held = kept
    return hadSome
  }
}
