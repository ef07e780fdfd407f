import DequeModule

/// Bytes that came from addresses which have neither a record as peers nor proven themselves, and for which nothing has
/// gone back: an answer longer than one question goes out when the client's repetitions have paid for it. Bounded; the
/// oldest goes first.
struct StrangerCredit {
  private var bytes: [RxAddress: Int] = [:]
  /// The addresses of `bytes`, in the order in which they came.
  private var order: Deque<RxAddress> = []

  static let countMax = 1024

  var count: Int { bytes.count }

  /// A datagram came: all that is kept for its sender now.
  mutating func received(_ byteCount: Int, from address: RxAddress) -> Int {
    if let known = bytes[address] {
      bytes[address] = known + byteCount
      return known + byteCount
    }
    if order.count >= Self.countMax { bytes[order.removeFirst()] = nil }
    bytes[address] = byteCount
    order.append(address)
    return byteCount
  }

  /// An answer went out: what came before it is used up.
  mutating func spend(_ address: RxAddress) {
    guard bytes.removeValue(forKey: address) != nil else { return }
    // Most often the one that came last.
    if order.last == address { order.removeLast() } else { order.removeAll { $0 == address } }
  }
}
