/// What a call has carried so far. Payload bytes are counted without headers, once each.
public struct RxCallStatistics: Hashable, Sendable {
  /// DATA packets, and how many of them were repetitions.
  public var packetsSent = 0
  public var packetsResent = 0
  /// Bytes taken from `write`, and bytes given out by `read`.
  public var bytesWritten = 0
  public var bytesRead = 0
  /// DATA packets that came, and how many of them had come before or lay beyond the window.
  public var packetsReceived = 0
  public var packetsDropped = 0
  /// The smoothed round trip to the peer, once measured.
  public var roundTrip: Duration?

  /// The service that serves the call: another than was called where `RxCallOptions.probesUpgrade` has found one.
  public var service: ServiceID?

  public init() {}
}
