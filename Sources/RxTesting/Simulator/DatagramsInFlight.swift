import AFSBase
import HeapModule
import RxCore

/// What is under way to simulated hosts, earliest arrival first. Used by the simulator only.
struct DatagramsInFlight {
  enum Content {
    case datagram([UInt8])
    /// ICMP: nobody listens at the sender's address.
    case refusal(Int32)
  }

  struct Arrival: Comparable {
    let time: MonotonicTime
    fileprivate let order: UInt64
    let destination: RxAddress
    let source: RxAddress
    let content: Content

    static func < (a: Arrival, b: Arrival) -> Bool { (a.time, a.order) < (b.time, b.order) }
    static func == (a: Arrival, b: Arrival) -> Bool { a.order == b.order }
  }

  private var heap = Heap<Arrival>()
  private var order: UInt64 = 0

  var nextArrival: MonotonicTime? { heap.min?.time }

  mutating func add(_ content: Content, from source: RxAddress, to destination: RxAddress, at time: MonotonicTime) {
    order += 1
    heap.insert(Arrival(time: time, order: order, destination: destination, source: source, content: content))
  }

  /// What has arrived by `now`, in order.
  mutating func next(now: MonotonicTime) -> Arrival? {
    guard let first = heap.min, first.time <= now else { return nil }
    return heap.removeMin()
  }
}
