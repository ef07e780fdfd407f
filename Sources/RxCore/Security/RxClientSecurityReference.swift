/// Names a security object which was registered with the endpoint; equal references share connections.
///
/// `.none` is rxnull, which needs no registration.
public struct RxClientSecurityReference: Hashable, Sendable {
  public var rawValue: UInt32
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
  public static let none = RxClientSecurityReference(rawValue: 0)
}
