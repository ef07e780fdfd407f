/// How one reader's habit decides what is fetched before it asks: a sequential reader gets a window which doubles, a
/// jumping one nothing but its neighbourhood.
struct ReadAhead: Hashable, Sendable {
  /// Bytes; chosen from measurements of a stock fileserver by size and number of parallel calls (2 to 4 are best).
  struct Limits: Hashable, Sendable {
    /// What a jumping reader's fetch is aligned to.
    var randomUnit: UInt64 = 64 << 10
    /// The first window of a sequential reader.
    var windowMin: UInt64 = 1 << 20
    var windowMax: UInt64 = 16 << 20
    /// The longest single call of a sequential reader.
    var callMax: UInt64 = 8 << 20
    /// The shortest one, where a window is cut into many.
    var callMin: UInt64 = 256 << 10
    /// Requests of one reader overtake each other by up to this (the kernel's own read-ahead has two under way).
    var slack: UInt64 = 2 << 20
    /// Smaller files are fetched whole.
    var wholeFileMax: UInt64 = 256 << 10
  }

  private var expected: UInt64 = 0
  private var window: UInt64 = 0
  /// Up to here the window has been asked for.
  private var issuedTo: UInt64 = 0

  init() {}

  /// What to fetch for a read.
  struct Plan: Hashable, Sendable {
    /// Fetched at once if some of the read is missing; holds the read.
    var demand: Range<UInt64>
    /// To be fetched besides; empty mostly.
    var ahead: Range<UInt64>
    /// The longest call of `ahead`.
    var callMax: UInt64
  }

  /// Notes a read of `range` in a file whose server part ends at `extent`.
  /// - Parameter calls: what a window is cut into. With 2 of them two to three are under way.
  mutating func note(_ range: Range<UInt64>, extent: UInt64, calls: Int = 2, limits: Limits) -> Plan {
    let isSequential =
      range.lowerBound <= expected + limits.slack && range.lowerBound + limits.slack >= expected
      && (window > 0 || range.lowerBound == expected)
    expected = isSequential ? max(expected, range.upperBound) : range.upperBound
    guard isSequential else {
      window = 0
      issuedTo = 0
      return Plan(demand: neighbourhood(of: range, extent: extent, limits: limits), ahead: 0..<0, callMax: 0)
    }
    if window == 0 {
      window = limits.windowMin
      issuedTo = range.lowerBound
    }
    let demandEnd = max(range.upperBound, min(aligned(range.lowerBound + callSize(calls, limits), limits), extent))
    let demand = range.lowerBound / limits.randomUnit * limits.randomUnit..<demandEnd
    // The window may grow for what is to be fetched now.
    let ahead = nextAhead(range, extent: extent, limits: limits)
    return Plan(demand: demand, ahead: ahead, callMax: callSize(calls, limits))
  }

  /// What was planned from `position` on was not asked for: there is too much under way.
  mutating func refused(from position: UInt64) {
    issuedTo = min(issuedTo, position)
  }

  private func callSize(_ calls: Int, _ limits: Limits) -> UInt64 {
    let shortest = calls > 2 ? min(limits.callMin, limits.windowMin) : limits.windowMin
    return min(max(shortest, window / UInt64(calls)), limits.callMax)
  }

  private func aligned(_ position: UInt64, _ limits: Limits) -> UInt64 {
    (position + limits.randomUnit - 1) / limits.randomUnit * limits.randomUnit
  }

  private func neighbourhood(of range: Range<UInt64>, extent: UInt64, limits: Limits) -> Range<UInt64> {
    if extent <= limits.wholeFileMax { return 0..<max(extent, range.upperBound) }
    let lower = range.lowerBound / limits.randomUnit * limits.randomUnit
    return lower..<max(range.upperBound, min(aligned(range.upperBound, limits), extent))
  }

  /// Once half of the window is used up, it doubles and is filled again.
  private mutating func nextAhead(_ range: Range<UInt64>, extent: UInt64, limits: Limits) -> Range<UInt64> {
    issuedTo = max(issuedTo, range.upperBound)
    let reach = issuedTo - range.upperBound
    guard reach <= window / 2, issuedTo < extent else { return 0..<0 }
    let target = min(aligned(range.upperBound + window, limits), extent)
    guard target > issuedTo else { return 0..<0 }
    defer {
      issuedTo = target
      window = min(window * 2, limits.windowMax)
    }
    return issuedTo..<target
  }
}
