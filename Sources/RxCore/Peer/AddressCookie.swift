import AFSBase

/// What a client at an address must bring back to prove that it receives there: made of the address, the time and a key,
/// so that nothing need be kept of who was asked (as the cookies of TCP's SYN are, RFC 4987 section 3.6).
struct AddressCookie: BitwiseCopyable {
  private let key: RandomKey
  private let lane: RxLane

  /// A cookie is good for this long at least, and for twice as long at most: peers answer at once.
  static let lifetime: Duration = .seconds(16)

  init(lane: RxLane, using generator: inout some RandomNumberGenerator) {
    key = RandomKey(generator.next(), generator.next())
    self.lane = lane
  }

  /// The epoch (upper half) and cid of the question. They lead the answer back to the lane that asked.
  func value(for address: RxAddress, now: MonotonicTime) -> UInt64 { value(for: address, in: period(of: now)) }

  func isGood(_ value: UInt64, for address: RxAddress, now: MonotonicTime) -> Bool {
    let period = period(of: now)
    return value == self.value(for: address, in: period) || value == self.value(for: address, in: period - 1)
  }

  private func period(of now: MonotonicTime) -> Int64 { now.nanoseconds / Int64(Self.lifetime / .nanoseconds(1)) }

  private func value(for address: RxAddress, in period: Int64) -> UInt64 {
    var sum = SipHash(key)
    sum.add(address.high)
    sum.add(address.low)
    sum.add(UInt64(address.port))
    sum.add(UInt64(bitPattern: period))
    let hash = sum.finish()
    // Lanes go by the bits above the channel's two. With one of the two set it is no connection id of ours.
    return hash & ~0xFFFF_FFFF | UInt64(lane.connectionID(from: UInt32(truncatingIfNeeded: hash)) | 1)
  }
}
