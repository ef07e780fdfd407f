/// The 32-bit code with which either side aborts an Rx call. What it means depends on the service; the
/// named ones are declared beside the service they belong to (`AFSTypes/AbortCodes`).
public struct AbortCode: Hashable, Error, Sendable, CustomStringConvertible {
  public var rawValue: Int32
  @inlinable public init(_ rawValue: Int32) { self.rawValue = rawValue }

  /// For example `abort code -2 (RX_INVALID_OPERATION)`, or `abort code 110 (VBUSY in AFS)`: any service has numbers like
  /// those of AFS.
  public var description: String {
    if let name = protocolName { return "abort code \(rawValue) (\(name))" }
    return name == String(rawValue) ? "abort code \(rawValue)" : "abort code \(rawValue) (\(name) in AFS)"
  }

  /// For services of AFS: `abort code 110 (VBUSY)`.
  public var descriptionInAFS: String {
    name == String(rawValue) ? "abort code \(rawValue)" : "abort code \(rawValue) (\(name))"
  }
}
