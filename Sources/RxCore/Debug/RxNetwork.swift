/// A range of addresses: those which share the first `prefix` bits.
public struct RxNetwork: Hashable, Sendable, CustomStringConvertible {
  private let high: UInt64
  private let low: UInt64
  /// 0 to 128; of IPv4 networks 96 more than people say, for the mapped form.
  private let prefix: Int

  /// The network that `address` lies in.
  ///
  /// - Parameters:
  ///   - address: any of the network's addresses, whatever its port.
  ///   - prefix: 0 to 128, or 0 to 32 for an IPv4 address; others are cut down to that.
  public init(_ address: RxAddress, prefix: Int) {
    let length = address.ipv4 == nil ? min(max(prefix, 0), 128) : 96 + min(max(prefix, 0), 32)
    self.prefix = length
    let (highMask, lowMask) = Self.masks(length)
    high = address.high & highMask
    low = address.low & lowMask
  }

  /// This host's own addresses: 127.0.0.0/8 and ::1.
  public static let loopback = [
    RxNetwork(RxAddress(ipv4: 0x7F00_0000, port: 0), prefix: 8),
    RxNetwork(RxAddress(high: 0, low: 1, port: 0), prefix: 128),
  ]

  public func contains(_ address: RxAddress) -> Bool {
    let (highMask, lowMask) = Self.masks(prefix)
    return address.high & highMask == high && address.low & lowMask == low
  }

  private static func masks(_ prefix: Int) -> (UInt64, UInt64) {
    (prefix >= 64 ? .max : ~(UInt64.max >> UInt64(prefix)), prefix <= 64 ? 0 : ~(UInt64.max >> UInt64(prefix - 64)))
  }

  /// Of an IPv4 network in dotted form: `10.0.0.0/8`, or an address alone; nil for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let bytes = parts[0].split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    guard bytes.count == 4, !bytes.contains(nil) else { return nil }
    let length = parts.count == 1 ? 32 : Int(parts[1])
    guard let length, 0...32 ~= length else { return nil }
    self.init(RxAddress(ipv4: bytes.reduce(0) { $0 << 8 | UInt32($1!) }, port: 0), prefix: length)
  }

  public var description: String {
    let address = RxAddress(high: high, low: low, port: 0).description.dropLast(2)
    return "\(address)/\(prefix >= 96 && high == 0 && low >> 32 == 0xFFFF ? prefix - 96 : prefix)"
  }
}
