public import RxCore

/// Where and how a transport's sockets and threads work.
public struct RxTransportOptions: Sendable {
  /// The local address; nil for all of the host's, IPv6 and IPv4. Its port does not count.
  public var address: RxAddress?
  /// The UDP port; 0, the default, for any free one.
  public var port: UInt16 = 0
  /// Whether any free port does when `port` is taken (`RxTransport.portWasTaken` tells). By default it does not:
  /// `.portTaken` is thrown.
  public var acceptsOtherPort = false
  /// Size of the socket's receive and send buffer, if the kernel allows; 8 MiB by default.
  public var socketBufferBytes = 8 << 20
  /// Where datagrams are written down; nil for nowhere.
  public var trace: RxPacketTrace?

  /// I/O threads, each with a socket of its own for the one port, and with its own connections. At most
  /// `RxLane.countMax` (64); 1 by default.
  public var threads = 1
  /// How long a thread at most looks at its socket again and again before it sleeps. It does so only while wake-ups have
  /// been coming within that time, and lets other threads run between two looks. Zero, the default: it sleeps at once.
  public var spin: Duration = .zero

  public init(address: RxAddress? = nil, port: UInt16 = 0) {
    self.address = address
    self.port = port
  }
}
