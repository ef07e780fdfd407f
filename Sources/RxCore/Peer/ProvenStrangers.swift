import AFSBase
import DequeModule

/// Addresses that have proven themselves and have no record as peers: their calls were not taken before, for want of
/// places. Only who receives at an address can bring it here. Bounded: the oldest goes first.
struct ProvenStrangers {
  private var times: [RxAddress: MonotonicTime] = [:]
  private var order: Deque<(address: RxAddress, at: MonotonicTime)> = []

  static let countMax = 4096

  var count: Int { times.count }

  mutating func note(_ address: RxAddress, now: MonotonicTime) {
    times[address] = now
    order.append((address, now))
    while let oldest = order.first, order.count > Self.countMax || oldest.at + AddressProof.lifetime <= now {
      order.removeFirst()
      if times[oldest.address] == oldest.at { times[oldest.address] = nil }
    }
  }

  func provenAt(_ address: RxAddress) -> MonotonicTime? { times.isEmpty ? nil : times[address] }

  /// When the address was proven, if it was; it is forgotten here.
  mutating func take(_ address: RxAddress) -> MonotonicTime? {
    times.isEmpty ? nil : times.removeValue(forKey: address)
  }
}
