/// A point in calendar time: seconds and nanoseconds since 1970-01-01T00:00:00Z, as POSIX `timespec`.
public struct WallTime: Hashable, Comparable, Sendable {
  public var seconds: Int64
  /// 0 ..< 1_000_000_000
  public var nanoseconds: UInt32

  @inlinable
  public init(seconds: Int64, nanoseconds: UInt32 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  @inlinable
  public static func < (a: WallTime, b: WallTime) -> Bool {
    (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
  }
}
