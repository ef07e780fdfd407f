import RxCore
import Synchronization

/// The lanes of one port as each other's neighbours: what the kernel gave to the wrong one goes on to the right one.
///
/// The kernel steers by a datagram's connection id, but joins datagrams of one sender before it does (UDP_GRO), and may
/// not have the steering at all.
final class LaneExchange: Sendable {
  /// One lane: its thread, and its driver and pump, to be touched there only.
  struct Lane: Sendable {
    let thread: RxIOThread
    let driver: LoopBound<RxEndpointDriver>
    let pump: LoopBound<SocketPump>
  }

  /// Datagrams for another lane.
  struct Parcel: Sendable {
    fileprivate var bytes: [UInt8] = []
    fileprivate var datagrams: [(end: Int, source: RxAddress)] = []

    mutating func add(_ datagram: UnsafeRawBufferPointer, from source: RxAddress) {
      bytes.append(contentsOf: datagram)
      datagrams.append((bytes.count, source))
    }

    var count: Int { datagrams.count }

    func forEach(_ body: (UnsafeRawBufferPointer, RxAddress) -> Void) {
      bytes.withUnsafeBytes { bytes in
        var start = 0
        for (end, source) in datagrams {
          body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), source)
          start = end
        }
      }
    }
  }

  /// Datagrams on their way between lanes at most: what a socket buffer would hold.
  private static let underWayMax = 4096

  let lanes: [Lane]
  private let underWay = Atomic(0)

  init(_ lanes: [Lane]) { self.lanes = lanes }

  /// Hands datagrams to another lane.
  /// - Returns: false when too many are under way: they are dropped.
  func send(_ parcel: Parcel, to index: Int) -> Bool {
    guard underWay.wrappingAdd(parcel.count, ordering: .relaxed).newValue <= Self.underWayMax else {
      underWay.wrappingSubtract(parcel.count, ordering: .relaxed)
      return false
    }
    let lane = lanes[index]
    lane.thread.submit {
      self.underWay.wrappingSubtract(parcel.count, ordering: .relaxed)
      lane.pump.value.receive(parcel)
    }
    return true
  }

  /// Hands a question of `rxdebug` to the lane that it names.
  func send(_ inquiry: RxDebugInquiry) {
    guard lanes.indices.contains(inquiry.nextLane) else { return }
    let lane = lanes[inquiry.nextLane]
    lane.thread.submit { lane.pump.value.receive(inquiry) }
  }

  /// Tells all lanes but `index` of an error: the kernel gives it to any of the sockets.
  func send(_ error: NetworkError, quoting packet: UnsafeRawBufferPointer, except index: Int) {
    let quote = [UInt8](packet)
    for (other, lane) in lanes.enumerated() where other != index {
      lane.thread.submit { quote.withUnsafeBytes { lane.pump.value.received(error, quoting: $0) } }
    }
  }
}
