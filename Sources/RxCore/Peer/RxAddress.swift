/// A UDP address: IPv6, or IPv4 in its IPv4-mapped form (RFC 4291 section 2.5.5.2), and a port in host order.
public struct RxAddress: Hashable, Sendable, CustomStringConvertible {
  /// The sixteen address bytes as two big-endian halves.
  public var high: UInt64
  public var low: UInt64
  public var port: UInt16

  @inlinable
  public init(high: UInt64, low: UInt64, port: UInt16) {
    self.high = high
    self.low = low
    self.port = port
  }

  /// An IPv4 address given as its 32 bits in host order (127.0.0.1 is 0x7F00_0001).
  @inlinable
  public init(ipv4: UInt32, port: UInt16) {
    self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(ipv4), port: port)
  }

  /// The IPv4 address in host order, nil for a real IPv6 address.
  @inlinable
  public var ipv4: UInt32? {
    high == 0 && low >> 32 == 0xFFFF ? UInt32(truncatingIfNeeded: low) : nil
  }

  /// The interface of a link-local address (fe80::/10), 0 for none. Such addresses have no bits of their own between
  /// the prefix and the interface identifier (RFC 4291 section 2.5.6): the number is kept in the lower half of `high`.
  @inlinable
  public var scope: UInt32 {
    get { isLinkLocal ? UInt32(truncatingIfNeeded: high) : 0 }
    set { if isLinkLocal { high = high & ~0xFFFF_FFFF | UInt64(newValue) } }
  }

  @inlinable
  public var isLinkLocal: Bool { high >> 54 == 0xFE80 >> 6 }

  func isSameHost(as other: RxAddress) -> Bool { high == other.high && low == other.low }

  public var description: String {
    if let ipv4 {
      return "\(ipv4 >> 24).\(ipv4 >> 16 & 255).\(ipv4 >> 8 & 255).\(ipv4 & 255):\(port)"
    }
    let scope = scope
    let high = high - UInt64(scope)
    let groups = (0..<8).map { index in
      String((index < 4 ? high : low) >> UInt64(48 - index % 4 * 16) & 0xFFFF, radix: 16)
    }
    return "[" + groups.joined(separator: ":") + (scope == 0 ? "" : "%\(scope)") + "]:\(port)"
  }
}

extension RxAddress {
  /// What one sender can have many addresses in: ports, and the lower half of IPv6.
  var host: RxAddress { RxAddress(high: high, low: ipv4 == nil ? 0 : low, port: 0) }
}
