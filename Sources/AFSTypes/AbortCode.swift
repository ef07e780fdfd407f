/// The 32-bit code with which either side aborts an Rx call. What it means depends on the service; the
/// named ones are declared beside the service they belong to (`AFSTypes/AbortCodes`).
public struct AbortCode: Hashable, Error, Sendable, CustomStringConvertible {
  public var rawValue: Int32
  @inlinable public init(_ rawValue: Int32) { self.rawValue = rawValue }

  /// For example `abort code 110 (VBUSY)`.
  public var description: String {
    let text = String(rawValue)
    return name == text ? "abort code \(text)" : "abort code \(text) (\(name))"
  }
}
