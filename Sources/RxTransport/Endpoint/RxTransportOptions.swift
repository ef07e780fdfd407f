public import RxCore

/// Where and how a transport's sockets and threads work.
public struct RxTransportOptions: Sendable {
  /// The local address; nil for all of the host's, IPv6 and IPv4. Its port does not count.
  public var address: RxAddress?
  /// The UDP port; 0 for any free one.
  public var port: UInt16 = 0
  /// Whether any free port does when `port` is taken.
  public var acceptsOtherPort = true
  /// Size of the socket's receive and send buffer, if the kernel allows.
  public var socketBufferBytes = 8 << 20
  /// Where datagrams are written down; nil for nowhere.
  public var trace: RxPacketTrace?

  /// I/O threads, each with a socket of its own for the one port, and with its own connections. At most
  /// `RxLane.countMax`.
  public var threads = 1
  /// How long a thread at most looks at its socket again and again before it sleeps. It does so only while wake-ups have
  /// been coming within that time, and lets other threads run between two looks. Zero: it sleeps at once.
  public var spin: Duration = .zero

  public init(address: RxAddress? = nil, port: UInt16 = 0) {
    self.address = address
    self.port = port
  }
}
