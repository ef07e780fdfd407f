import AFSBase

/// The deadlines of one call. Lazily kept: one that proves premature when it passes is set anew.
struct CallTimers: BitwiseCopyable {
  /// Nothing acknowledged for so long: probe, then send again.
  var retransmit: MonotonicTime?
  /// Packets overtaken by others count as lost.
  var loss: MonotonicTime?
  /// Ping, or find the peer dead or the call idle.
  var life: MonotonicTime?
  /// The caller's limit on the whole call.
  var deadline: MonotonicTime?

  func earliest(with ack: MonotonicTime?) -> MonotonicTime? {
    let none = MonotonicTime.distantFuture
    // No array: this runs with every packet.
    let first = min(min(ack ?? none, retransmit ?? none), min(loss ?? none, min(life ?? none, deadline ?? none)))
    return first == none ? nil : first
  }
}
