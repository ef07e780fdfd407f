import AFSBase

/// Where the serials of clients' connections to our services begin. A client can only know it by receiving, so that
/// whoever names a serial of ours proves the address.
///
/// A hash of the connection's name under a key, and the time: should a connection have been forgotten for want of room, its
/// successor goes on near where it was. Clients take a jump for a server that was started anew, and end their calls.
struct FirstSerials: BitwiseCopyable {
  private let key: RandomKey
  /// Peers compare serials as signed differences, some from 0 on: these begin in the lower quarter.
  private static let mask: UInt64 = 1 << 30 - 1
  /// Eight a second are more than a connection sends that was forgotten without a call of it having been served.
  private static let step: Int64 = 125_000_000

  init(using generator: inout some RandomNumberGenerator) {
    key = RandomKey(generator.next(), generator.next())
  }

  /// The serial before the first.
  func base(_ header: RxHeader, from source: RxAddress, now: MonotonicTime) -> Serial {
    var sum = SipHash(key)
    sum.add(UInt64(header.epoch) << 32 | UInt64(header.connectionID))
    sum.add(source.high)
    sum.add(source.low)
    sum.add(UInt64(source.port))
    let hash = sum.finish() &+ UInt64(bitPattern: now.nanoseconds / Self.step)
    return Serial(UInt32(truncatingIfNeeded: max(hash & Self.mask, 1)))
  }
}
