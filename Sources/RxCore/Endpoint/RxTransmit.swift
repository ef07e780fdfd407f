/// Where the bytes that `nextTransmit` put into the driver's buffer must go.
public struct RxTransmit: Hashable, Sendable {
  public var destination: RxAddress
  /// Bytes in the buffer.
  public var byteCount: Int
  /// When the buffer holds several datagrams back to back (for UDP_SEGMENT): the size of each but the last.
  /// Equal to `byteCount` for one datagram.
  public var segmentSize: Int
  /// The path may not carry a packet of this size in one piece: the driver must let routers fragment it (clear DF).
  public var mayFragment: Bool

  public init(destination: RxAddress, byteCount: Int, segmentSize: Int, mayFragment: Bool = false) {
    self.destination = destination
    self.byteCount = byteCount
    self.segmentSize = segmentSize
    self.mayFragment = mayFragment
  }
}
