/// What of a datagram may be written down where others might read it.
package enum ShownBytes {
  /// How many bytes at its start: of a response to a challenge the header only, for tickets lie in its body, whatever the
  /// security class.
  package static func count(of datagram: UnsafeRawBufferPointer) -> Int {
    guard let header = RxHeader(datagram), header.type == PacketType.response.rawValue else { return datagram.count }
    return RxHeader.byteCount
  }
}
