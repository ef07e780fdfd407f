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
    Duration(wholeNanoseconds: later.nanoseconds - earlier.nanoseconds)
  }
}

extension Duration {
  /// As `nanoseconds(_:)`, which goes a generic way: some hundred instructions where this takes three.
  @inlinable
  public init(wholeNanoseconds: Int64) {
    self.init(attoseconds: Int128(wholeNanoseconds) &* 1_000_000_000)
  }

  /// The duration in nanoseconds, towards zero, saturated to 64 bits (292 years).
  @inlinable
  public var wholeNanoseconds: Int64 {
    let attoseconds = attoseconds
    // Up to 18 s, which nearly all are, a division of 64 bits will do.
    if let short = UInt64(exactly: attoseconds) { return Int64(short / 1_000_000_000) }
    return Int64(clamping: attoseconds / 1_000_000_000)
  }

  /// The standard library's operators take any integer and hundreds of instructions; timers are set, and round trips
  /// reckoned, with every packet.
  @inlinable
  public static func * (duration: Duration, factor: Int) -> Duration {
    Duration(attoseconds: duration.attoseconds * Int128(factor))
  }

  @inlinable
  public static func / (duration: Duration, divisor: Int) -> Duration {
    Duration(attoseconds: duration.attoseconds / Int128(divisor))
  }
}
