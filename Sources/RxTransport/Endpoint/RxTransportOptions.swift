public import RxCore

/// Where and how a transport's socket and thread work.
public struct RxTransportOptions: Sendable, Hashable {
  /// The local address; nil for all of the host's, IPv6 and IPv4. Its port does not count.
  public var address: RxAddress?
  /// The UDP port; 0 for any free one.
  public var port: UInt16 = 0
  /// Whether any free port does when `port` is taken.
  public var acceptsOtherPort = true
  /// Size of the socket's receive and send buffer, if the kernel allows.
  public var socketBufferBytes = 8 << 20

  public init(address: RxAddress? = nil, port: UInt16 = 0) {
    self.address = address
    self.port = port
  }
}
