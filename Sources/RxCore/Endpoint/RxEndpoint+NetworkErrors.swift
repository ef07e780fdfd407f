public import AFSBase

/// Errors that the network reports.
extension RxEndpoint {
  /// ICMP says that a packet sent to `peer` did not arrive: ends the calls with that peer.
  ///
  /// - Parameters:
  ///   - errno: the error as the system numbers it; callers get it in `RxCallError.unreachable`.
  ///   - peer: where the packet was to go.
  ///   - packet: what the report quotes of the refused packet, from the Rx header on. A header that is not of a connection
  ///     with the peer shows that the report is forged, or about another program's packet: ignored. Routers may quote
  ///     less than a header.
  ///   - now: the present time.
  public mutating func receivedNetworkError(
    _ errno: Int32, from peer: RxAddress, quoting packet: UnsafeRawBufferPointer, now: MonotonicTime
  ) {
    guard isOurs(packet, sentTo: peer) else { return }
    receivedNetworkError(errno, from: peer, now: now)
  }

  /// The same of a report that a packet was too long for its path.
  public mutating func receivedPathMTU(
    _ mtu: Int, from peer: RxAddress, quoting packet: UnsafeRawBufferPointer, now: MonotonicTime
  ) {
    guard isOurs(packet, sentTo: peer) else { return }
    receivedPathMTU(mtu, from: peer, now: now)
  }

  func isOurs(_ quoted: UnsafeRawBufferPointer, sentTo peer: RxAddress) -> Bool {
    guard let header = RxHeader(quoted) else { return true }
    // Version and debug packets, and answers to them, belong to no connection.
    guard RxLane.index(of: quoted, among: 1) != nil else { return false }
    if header.isFromClient { return header.epoch == epoch }
    return serverConnections[ServerConnectionKey(header, from: peer)] != nil
  }
}
