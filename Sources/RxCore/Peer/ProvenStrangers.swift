import AFSBase
import DequeModule

/// Addresses that have proven themselves and have no record as peers: their calls were not taken before, for want of
/// places. Only who receives at an address can bring it here. Bounded, and no host has more than a share of it: the oldest
/// goes first.
struct ProvenStrangers {
  private var times: [RxAddress: MonotonicTime] = [:]
  private var order: Deque<(address: RxAddress, at: MonotonicTime)> = []
  private var countByHost: [RxAddress: Int] = [:]

  static let countMax = 4096
  /// Of one host, which has an address for every port.
  static let hostCountMax = 64

  var count: Int { times.count }

  /// An answer that is sent again and again counts once: else its sender would push the others out.
  mutating func note(_ address: RxAddress, now: MonotonicTime) {
    while let oldest = order.first, oldest.at + AddressProof.lifetime <= now || order.count >= Self.countMax {
      guard times[address] == nil || oldest.at + AddressProof.lifetime <= now else { return }
      order.removeFirst()
      if times[oldest.address] == oldest.at { forget(oldest.address) }
    }
    guard times[address] == nil, countByHost[address.host, default: 0] < Self.hostCountMax else { return }
    times[address] = now
    countByHost[address.host, default: 0] += 1
    order.append((address, now))
  }

  func provenAt(_ address: RxAddress) -> MonotonicTime? { times.isEmpty ? nil : times[address] }

  /// When the address was proven, if it was; it is forgotten here.
  mutating func take(_ address: RxAddress) -> MonotonicTime? {
    guard !times.isEmpty, let time = times[address] else { return nil }
    forget(address)
    return time
  }

  private mutating func forget(_ address: RxAddress) {
    times[address] = nil
    let count = countByHost[address.host, default: 1] - 1
    countByHost[address.host] = count > 0 ? count : nil
  }
}
