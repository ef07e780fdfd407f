import AFSBase
import RxCore

/// What the paths between simulated hosts do to datagrams: the dice and the lines.
struct PathModel {
  typealias Path = SimulatedNetwork.Path

  /// Conditions of every path without its own.
  var conditions: NetworkConditions
  /// Conditions by sender and receiver.
  var paths: [Path: NetworkConditions] = [:]
  private var generator: SeededGenerator
  /// When the last datagram will have left for its way, where bandwidth is limited.
  private var lineFreeAt: [Path: MonotonicTime] = [:]

  init(conditions: NetworkConditions, seed: UInt64) {
    self.conditions = conditions
    generator = SeededGenerator(seed: seed)
  }

  /// What happens to one datagram.
  struct Fate {
    /// nil when it is lost.
    var arrival: MonotonicTime?
    /// When it arrives a second time.
    var repetition: MonotonicTime?
    /// The byte that is changed on the way, and by what.
    var corruption: (index: Int, pattern: UInt8)?
  }

  subscript(path: Path) -> NetworkConditions { paths[path] ?? conditions }

  mutating func fate(of byteCount: Int, mayFragment: Bool = false, on path: Path, now: MonotonicTime) -> Fate {
    let conditions = self[path]
    guard byteCount <= conditions.datagramByteCountMax || mayFragment && conditions.fragmentsPass,
      !happens(conditions.lostPerMille),
      let departure = departure(of: byteCount, path, conditions, now)
    else { return Fate() }
    var fate = Fate(arrival: arrival(departure, conditions))
    if happens(conditions.duplicatedPerMille) { fate.repetition = arrival(departure, conditions) }
    if byteCount > 0, happens(conditions.corruptedPerMille) {
      fate.corruption = (
        Int.random(in: 0..<byteCount, using: &generator), UInt8.random(in: 1...255, using: &generator)
      )
    }
    return fate
  }

  /// When the last bit of the datagram is on the line; nil if the queue before it is full.
  private mutating func departure(
    of byteCount: Int, _ path: Path, _ conditions: NetworkConditions, _ now: MonotonicTime
  ) -> MonotonicTime? {
    guard let bandwidth = conditions.bandwidth else { return now }
    let free = max(lineFreeAt[path] ?? now, now)
    let waiting = (free - now).wholeNanoseconds * Int64(bandwidth) / 1_000_000_000
    guard waiting <= Int64(conditions.queueByteCountMax) else { return nil }
    let departure = free + .nanoseconds(Int64(byteCount) * 1_000_000_000 / Int64(bandwidth))
    lineFreeAt[path] = departure
    return departure
  }

  private mutating func arrival(_ departure: MonotonicTime, _ conditions: NetworkConditions) -> MonotonicTime {
    let jitter = conditions.jitter.wholeNanoseconds
    let extra = jitter > 0 ? Int64.random(in: 0...jitter, using: &generator) : 0
    return departure + conditions.delay + .nanoseconds(extra)
  }

  private mutating func happens(_ perMille: Int) -> Bool {
    perMille > 0 && Int.random(in: 0..<1000, using: &generator) < perMille
  }
}
