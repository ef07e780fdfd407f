import AFSBase

/// Where the serials of clients' connections to our services begin. A client can only know it by receiving, so that
/// whoever names a serial of ours proves the address.
///
/// A hash of the connection's name and of the present period under a key, and the time: should a connection have been
/// forgotten for want of room, its successor goes on near where it was. From one period to the next it begins elsewhere,
/// so that nobody who has held an address knows the serials of its next holder. No former period counts beside the
/// present one: a connection keeps the serials it began with, and clients forgive a jump until they were promised
/// something (`RxCall.isContinued`).
struct FirstSerials: BitwiseCopyable {
  private let key: RandomKey
  /// Peers compare serials as signed differences, some from 0 on: these begin in the lower quarter.
  private static let mask: UInt64 = 1 << 30 - 1
  /// Eight a second are more than a connection sends that was forgotten without a call of it having been served.
  private static let step: Int64 = 125_000_000
  /// What was learned counts for as long at most. Long beside the time in which a client begins a call, so that few see
  /// a jump.
  static let period: Duration = .seconds(600)

  init(using generator: inout some RandomNumberGenerator) {
    key = RandomKey(generator.next(), generator.next())
  }

  /// The serial before the first.
  func base(_ header: RxHeader, from source: RxAddress, now: MonotonicTime) -> Serial {
    let (period, time) = now.nanoseconds.quotientAndRemainder(dividingBy: Int64(Self.period / .nanoseconds(1)))
    var sum = SipHash(key)
    sum.add(UInt64(header.epoch) << 32 | UInt64(header.connectionID))
    sum.add(source.high)
    sum.add(source.low)
    sum.add(UInt64(source.port))
    sum.add(UInt64(bitPattern: period))
    return Self.serial(sum.finish() &+ UInt64(bitPattern: time / Self.step))
  }

  /// Where a connection may begin of which nobody may remember a serial.
  static func random(using generator: inout some RandomNumberGenerator) -> Serial { serial(generator.next()) }

  private static func serial(_ bits: UInt64) -> Serial {
    Serial(UInt32(truncatingIfNeeded: max(bits & mask, 1)))
  }
}
