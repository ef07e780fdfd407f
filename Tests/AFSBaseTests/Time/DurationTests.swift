import AFSBase
import Testing

@Suite struct DurationTests {
  /// The ends of each way in which the nanoseconds are found.
  private static let counts: [Int64] = [
    0, 1, -1, 999_999_999, -999_999_999, 1_000_000_000, 18_446_744_073, 18_446_744_074, 60_000_000_000,
    -18_446_744_074, .max, .min,
  ]

  @Test(
    "Nanoseconds become the duration that the standard library makes of them, and come back", arguments: counts)
  func nanoseconds(count: Int64) {
    #expect(Duration(wholeNanoseconds: count) == .nanoseconds(count))
    #expect(Duration.nanoseconds(count).wholeNanoseconds == count)
  }

  @Test("Parts of a nanosecond are dropped, and what has no room in 64 bits is the last that has")
  func limits() {
    #expect(Duration(secondsComponent: 0, attosecondsComponent: 1_999_999_999).wholeNanoseconds == 1)
    #expect(Duration(secondsComponent: 0, attosecondsComponent: -1_999_999_999).wholeNanoseconds == -1)
    #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
    #expect(Duration.seconds(Int64.min).wholeNanoseconds == .min)
  }

  @Test("Multiples and parts are those of the standard library", arguments: [1, 3, 6, -7, 1_000_000])
  func multiples(factor: Int) {
    for duration in [Duration.zero, .nanoseconds(7), .milliseconds(1001), .seconds(86_400), .seconds(-5)] {
      #expect(duration * factor == duration * Int32(factor))
      #expect(duration / factor == duration / Int32(factor))
    }
  }
}
