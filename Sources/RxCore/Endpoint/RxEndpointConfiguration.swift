/// Limits and times of an endpoint.
public struct RxEndpointConfiguration: Sendable, Hashable {
  /// Packets that we let a peer send beyond the last one handed to the reader. The ack trailer and the ack
  /// bitmap bound it at 255 (one byte counts the soft acks).
  public var receiveWindow = 255
  /// Packets that we send beyond the first unacknowledged, if the peer's window allows.
  public var transmitWindow = 255
  /// Payload bytes of a DATA packet: 1416 is what fileservers use at MTU 1500 (FACTS: "natural MTU" 1444 = 28 + 1416).
  public var payloadMax = 1416
  /// A peer with a 32-packet window is fastest when every 4th packet is acknowledged (measured, see protocol notes).
  public var packetsPerAck = 4
  /// How long an idle client connection is kept.
  public var connectionIdleTime: Duration = .seconds(600)
  /// Service calls that may wait for the driver; beyond it peers get BUSY.
  public var acceptQueueDepth = 256

  public init() {}
}
