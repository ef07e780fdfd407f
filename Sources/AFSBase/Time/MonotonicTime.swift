/// A point on a monotonic clock: nanoseconds since an arbitrary start.
///
/// Code below the drivers never asks a clock for it: `now` is a parameter. The drivers use CLOCK_MONOTONIC,
/// the simulation counts from zero.
public struct MonotonicTime: Hashable, Comparable, Sendable, BitwiseCopyable {
  public var nanoseconds: Int64

  @inlinable
  public init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  public static let zero = MonotonicTime(nanoseconds: 0)
  /// Later than every deadline.
  public static let distantFuture = MonotonicTime(nanoseconds: .max)

  @inlinable
  public static func < (a: MonotonicTime, b: MonotonicTime) -> Bool {
    a.nanoseconds < b.nanoseconds
  }

  /// Saturates at `distantFuture`.
  @inlinable
  public static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
    let (sum, overflow) = time.nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
    return overflow ? .distantFuture : MonotonicTime(nanoseconds: sum)
  }

  @inlinable
  public static func - (time: MonotonicTime, duration: Duration) -> MonotonicTime {
    MonotonicTime(nanoseconds: time.nanoseconds - duration.wholeNanoseconds)
  }

  @inlinable
  public static func - (later: MonotonicTime, earlier: MonotonicTime) -> Duration {
    .nanoseconds(later.nanoseconds - earlier.nanoseconds)
  }
}

extension Duration {
  /// The duration in nanoseconds, saturated to 64 bits (292 years).
  @inlinable
  public var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return seconds < 0 ? .min : .max }
    let (sum, overflowSum) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
    return overflowSum ? (seconds < 0 ? .min : .max) : sum
  }
}
