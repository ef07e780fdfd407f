/// Names a call of one endpoint, client or server side; never used again within a run.
public struct RxCallHandle: Hashable, Sendable {
  public var rawValue: UInt64
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
}
