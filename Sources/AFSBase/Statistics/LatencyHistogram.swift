/// Durations counted in classes of at most 1/16 of their size, from a microsecond to 4.8 hours, in 4 KiB: percentiles
/// of any number of samples without keeping them.
///
/// Each power of two of nanoseconds is divided into 16 classes (the log-linear scheme of HdrHistogram). Shorter and
/// longer durations count in the first and the last class.
public struct LatencyHistogram: Sendable, Hashable {
  private static let classesPerOctave = 16
  /// Nanoseconds below 2^10 fall into the first class.
  private static let firstOctave = 10
  private static let octaves = 34

  private var counts: [UInt64] = []
  public private(set) var count: UInt64 = 0
  /// Sum of all samples in nanoseconds.
  public private(set) var sum: UInt64 = 0
  public private(set) var longest: Duration = .zero
  public private(set) var shortest: Duration = .zero

  /// Holds no memory before the first sample.
  public init() {}

  public mutating func add(_ sample: Duration) {
    let nanoseconds = UInt64(max(0, sample.wholeNanoseconds))
    if counts.isEmpty { counts = Array(repeating: 0, count: Self.octaves * Self.classesPerOctave) }
    counts[Self.index(nanoseconds)] += 1
    longest = max(longest, sample)
    shortest = count == 0 ? sample : min(shortest, sample)
    count += 1
    sum &+= nanoseconds
  }

  public mutating func add(_ other: LatencyHistogram) {
    guard other.count > 0 else { return }
    if counts.isEmpty { counts = Array(repeating: 0, count: Self.octaves * Self.classesPerOctave) }
    for index in counts.indices { counts[index] += other.counts[index] }
    longest = max(longest, other.longest)
    shortest = count == 0 ? other.shortest : min(shortest, other.shortest)
    count += other.count
    sum &+= other.sum
  }

  /// Zero without samples.
  public var mean: Duration { count == 0 ? .zero : .nanoseconds(Int64(clamping: sum / count)) }

  /// The duration which `share` (0 to 1) of the samples do not exceed, as the upper bound of its class, but never more
  /// than the longest sample. Zero without samples.
  public func percentile(_ share: Double) -> Duration {
    guard count > 0 else { return .zero }
    let wanted = max(1, UInt64((Double(count) * min(max(share, 0), 1)).rounded(.up)))
    var seen: UInt64 = 0
    for (index, number) in counts.enumerated().dropLast() {
      seen += number
      if seen >= wanted { return min(longest, .nanoseconds(Int64(Self.upperBound(index)))) }
    }
    return longest
  }

  private static func index(_ nanoseconds: UInt64) -> Int {
    let octave = UInt64.bitWidth - 1 - max(nanoseconds, 1).leadingZeroBitCount
    guard octave >= firstOctave else { return 0 }
    guard octave < firstOctave + octaves else { return octaves * classesPerOctave - 1 }
    return (octave - firstOctave) * classesPerOctave + Int(nanoseconds >> UInt64(octave - 4)) & (classesPerOctave - 1)
  }

  /// The least value beyond class `index`.
  private static func upperBound(_ index: Int) -> UInt64 {
    let octave = index / classesPerOctave + firstOctave
    return UInt64(classesPerOctave + index % classesPerOctave + 1) << UInt64(octave - 4)
  }
}
