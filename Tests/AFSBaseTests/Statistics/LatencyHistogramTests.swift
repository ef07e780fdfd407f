import AFSBase
import Testing

@Suite struct LatencyHistogramTests {
  @Test("A percentile is at most a sixteenth above the exact one", arguments: [UInt64(1), 2, 3])
  func percentiles(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var histogram = LatencyHistogram()
    var samples: [Int64] = []
    for _ in 0..<10_000 {
      let sample = Int64.random(in: 1024...(1 << Int64.random(in: 11...40, using: &generator)), using: &generator)
      samples.append(sample)
      histogram.add(.nanoseconds(sample))
    }
    samples.sort()
    for share in [0.01, 0.5, 0.9, 0.99, 1] {
      let exact = Double(samples[max(0, Int((share * 10_000).rounded(.up)) - 1)])
      let found = Double(histogram.percentile(share).wholeNanoseconds)
      #expect(found >= exact && found <= exact * (1 + 1.0 / 16) + 1, "\(share): \(found) for \(exact)")
    }
    #expect(histogram.count == 10_000)
    #expect(histogram.longest == .nanoseconds(samples.last!))
    #expect(histogram.mean == .nanoseconds(samples.reduce(0, +) / 10_000))
  }

  @Test("Durations beyond both ends are counted, and the sum of two histograms is that of their samples")
  func extremes() {
    var first = LatencyHistogram()
    #expect(first.percentile(0.5) == .zero && first.mean == .zero)
    first.add(.zero)
    first.add(.seconds(-1))
    var second = LatencyHistogram()
    second.add(.seconds(1_000_000))
    second.add(first)
    #expect(second.count == 3)
    #expect(second.percentile(1) == .seconds(1_000_000))
    #expect(second.percentile(0.1) <= .microseconds(2))
  }
}
