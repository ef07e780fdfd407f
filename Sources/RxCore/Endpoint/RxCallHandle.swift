/// Names a call of one endpoint, client or server side; never used again within a run.
public struct RxCallHandle: Hashable, Sendable {
  public var rawValue: UInt64
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// A small number that no other call has until this one is released.
  @inlinable package var place: Int { Int(UInt32(truncatingIfNeeded: rawValue)) }
}
