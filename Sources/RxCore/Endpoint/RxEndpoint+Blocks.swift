public import AFSBase

/// `write` and `read` without memory of the driver's in between: files are read into packets, and written from them.
extension RxEndpoint {
  /// Lets `fill` write stream bytes into packets to come, once, in a batch bounded by the queue and by 64 packets.
  ///
  /// - Parameters:
  ///   - call: the call; no effect if it has been released.
  ///   - byteCountMax: what is still to be sent; no more is offered.
  ///   - isLast: closes our direction when all of them are written.
  ///   - now: the present time.
  ///   - fill: gets the places in order and returns how many bytes it wrote, from their beginning on. Is not called
  ///     when no place is free, and when the bytes are wanted no more.
  /// - Returns: bytes taken; `.writable` follows when fewer than `byteCountMax` were offered. Once the reply has begun,
  ///   or the call has ended, all count as taken.
  public mutating func write(
    _ call: RxCallHandle, byteCountMax: Int, isLast: Bool, now: MonotonicTime,
    from fill: (UnsafeBufferPointer<UnsafeMutableRawBufferPointer>) -> Int
  ) -> Int {
    guard let index = calls.index(of: call.rawValue) else { return 0 }
    beginWork(on: index)
    if calls[index].phase.hasEnded || calls[index].phase.step == .receivingReply { return byteCountMax }
    guard byteCountMax > 0 else {
      return write(index, UnsafeRawBufferPointer(start: nil, count: 0), isLast: isLast)
    }
    guard calls[index].queued == nil else {
      calls[index].isWritableOwed = true
      return 0
    }
    let (written, offered) = calls[index].transmit.write(
      byteCountMax: byteCountMax, isLast: isLast, bodyByteCountMax: peers[calls[index].peer].bodyByteCountMax,
      seal: seal(for: index), pool: &pool, from: fill)
    calls[index].statistics.bytesWritten += written
    if offered < byteCountMax { calls[index].isWritableOwed = true }
    queueToSend(index)
    return written
  }

  /// Hands in-order bytes that the peer sent to `drain`, once, in a batch of 64 packets at most; opens the receive
  /// window by what it took.
  ///
  /// - Parameters:
  ///   - call: the call; no effect if it has been released.
  ///   - byteCountMax: no more is offered.
  ///   - now: the present time.
  ///   - drain: gets the pieces in order and returns how many bytes it took, from their beginning on. Is not called when
  ///     there are none.
  /// - Returns: bytes taken and offered, and whether the stream's end has been reached.
  public mutating func read(
    _ call: RxCallHandle, byteCountMax: Int, now: MonotonicTime,
    into drain: (UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int
  ) -> (count: Int, offered: Int, isAtEnd: Bool) {
    guard let index = calls.index(of: call.rawValue) else { return (0, 0, false) }
    beginWork(on: index)
    let (taken, offered) = calls[index].receive.read(byteCountMax: byteCountMax, pool: &pool, into: drain)
    noteRead(index, byteCount: taken, now: now)
    return (taken, offered, calls[index].receive.isAtEnd)
  }
}
