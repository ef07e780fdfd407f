/// Where the bytes that `nextTransmit` put into the driver's buffer must go.
public struct RxTransmit: Hashable, Sendable {
  public var destination: RxAddress
  /// Bytes in the buffer.
  public var byteCount: Int
  /// When the buffer holds several datagrams back to back (for UDP_SEGMENT): the size of each but the last.
  /// Equal to `byteCount` for one datagram.
  public var segmentSize: Int

  public init(destination: RxAddress, byteCount: Int, segmentSize: Int) {
    self.destination = destination
    self.byteCount = byteCount
    self.segmentSize = segmentSize
  }
}
