public import RxCore

/// A resource record of the kinds that lead to the servers of a cell.
public struct DNSRecord: Hashable, Sendable {
  /// RFC 1035 section 3.2.2, RFC 1183, RFC 3596, RFC 2782.
  public enum Kind: UInt16, Sendable, CaseIterable {
    case a = 1
    case afsdb = 18
    case aaaa = 28
    case srv = 33
  }

  public enum Content: Hashable, Sendable {
    /// A or AAAA; the port is 0.
    case address(RxAddress)
    /// Lower priorities first; among equal ones more weight means more often (RFC 2782). The target "" means that the
    /// service is not offered.
    case service(priority: UInt16, weight: UInt16, port: UInt16, target: String)
    /// Subtype 1 is a volume location server (RFC 1183).
    case database(subtype: UInt16, host: String)
  }

  /// In lower case, without a dot at the end.
  public var owner: String
  /// Seconds for which the record may be kept.
  public var timeToLive: UInt32
  public var content: Content

  public init(owner: String, timeToLive: UInt32, content: Content) {
    self.owner = owner
    self.timeToLive = timeToLive
    self.content = content
  }

  public var kind: Kind {
    switch content {
    case .address(let address): address.ipv4 == nil ? .aaaa : .a
    case .service: .srv
    case .database: .afsdb
    }
  }
}
