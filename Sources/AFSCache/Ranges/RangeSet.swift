/// A set of byte positions, kept as sorted ranges which neither overlap nor touch.
///
/// The usual sets are tiny (one range for a file that is wholly cached), so an array with binary search beats any tree.
package struct RangeSet: Hashable, Sendable {
  /// Sorted; no range is empty; between two ranges lies at least one position which is not in the set.
  package private(set) var ranges: [Range<UInt64>] = []
  /// How many positions are in the set.
  package private(set) var count: UInt64 = 0

  package init() {}

  package init(_ range: Range<UInt64>) {
    insert(range)
  }

  package var isEmpty: Bool { ranges.isEmpty }
  package var first: Range<UInt64>? { ranges.first }
  /// One past the highest position; 0 when empty.
  package var upperBound: UInt64 { ranges.last?.upperBound ?? 0 }

  /// Index of the first range that ends after `position` (at or after it with `touching`).
  private func index(endingAfter position: UInt64, touching: Bool = false) -> Int {
    if let last = ranges.last, touching ? last.upperBound < position : last.upperBound <= position {
      return ranges.count
    }
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      let end = ranges[middle].upperBound
      if touching ? end >= position : end > position { high = middle } else { low = middle + 1 }
    }
    return low
  }

  // MARK: Changes

  package mutating func insert(_ range: Range<UInt64>) {
    guard !range.isEmpty else { return }
    let start = index(endingAfter: range.lowerBound, touching: true)
    var end = start
    var merged = range
    var removed: UInt64 = 0
    while end < ranges.count, ranges[end].lowerBound <= range.upperBound {
      let old = ranges[end]
      merged = min(merged.lowerBound, old.lowerBound)..<max(merged.upperBound, old.upperBound)
      removed += old.length
      end += 1
    }
    if end == start + 1 {
      ranges[start] = merged
    } else {
      ranges.replaceSubrange(start..<end, with: CollectionOfOne(merged))
    }
    count += merged.length - removed
  }

  package mutating func remove(_ range: Range<UInt64>) {
    guard !range.isEmpty else { return }
    let start = index(endingAfter: range.lowerBound)
    var end = start
    var rest: [Range<UInt64>] = []
    while end < ranges.count, ranges[end].lowerBound < range.upperBound {
      let old = ranges[end]
      count -= old.length
      if old.lowerBound < range.lowerBound { rest.append(old.lowerBound..<range.lowerBound) }
      if old.upperBound > range.upperBound { rest.append(range.upperBound..<old.upperBound) }
      end += 1
    }
    guard end > start else { return }
    for piece in rest { count += piece.length }
    ranges.replaceSubrange(start..<end, with: rest)
  }

  /// Removes all positions from `position` on.
  package mutating func truncate(to position: UInt64) {
    remove(position..<UInt64.max)
  }

  package mutating func formUnion(_ other: RangeSet) {
    for range in other.ranges { insert(range) }
  }

  package mutating func subtract(_ other: RangeSet) {
    for range in other.ranges { remove(range) }
  }

  package mutating func removeAll() {
    ranges.removeAll(keepingCapacity: true)
    count = 0
  }

  // MARK: Questions

  /// All of `range` is in the set; true for an empty range.
  package func contains(_ range: Range<UInt64>) -> Bool {
    guard !range.isEmpty else { return true }
    let index = index(endingAfter: range.lowerBound)
    return index < ranges.count && ranges[index].lowerBound <= range.lowerBound
      && ranges[index].upperBound >= range.upperBound
  }

  package func overlaps(_ range: Range<UInt64>) -> Bool {
    guard !range.isEmpty else { return false }
    let index = index(endingAfter: range.lowerBound)
    return index < ranges.count && ranges[index].lowerBound < range.upperBound
  }

  /// How far the set reaches without a gap from `position` on; `position` itself when it is not in the set.
  package func end(ofRunAt position: UInt64) -> UInt64 {
    let index = index(endingAfter: position)
    guard index < ranges.count, ranges[index].lowerBound <= position else { return position }
    return ranges[index].upperBound
  }

  /// The parts of `range` which are in the set.
  package func intersection(_ range: Range<UInt64>) -> RangeSet {
    var result = RangeSet()
    guard !range.isEmpty else { return result }
    var index = index(endingAfter: range.lowerBound)
    while index < ranges.count, ranges[index].lowerBound < range.upperBound {
      let piece = ranges[index].clamped(to: range)
      result.ranges.append(piece)
      result.count += piece.length
      index += 1
    }
    return result
  }

  /// The parts of `range` which are not in the set.
  package func gaps(in range: Range<UInt64>) -> RangeSet {
    var result = RangeSet()
    var position = range.lowerBound
    for piece in intersection(range).ranges {
      result.insert(position..<piece.lowerBound)
      position = piece.upperBound
    }
    result.insert(position..<range.upperBound)
    return result
  }

  /// The set without `other`.
  package func subtracting(_ other: RangeSet) -> RangeSet {
    var result = self
    result.subtract(other)
    return result
  }
}

extension Range<UInt64> {
  /// How many positions: `count` traps above Int.max, and needs a conversion everywhere.
  package var length: UInt64 { upperBound - lowerBound }

  /// `count` positions from `offset` on, cut at the end of the numbers.
  package init(offset: UInt64, count: UInt64) {
    let (end, overflow) = offset.addingReportingOverflow(count)
    self = offset..<(overflow ? .max : end)
  }
}
