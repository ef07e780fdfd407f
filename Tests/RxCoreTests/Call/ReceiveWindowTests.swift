import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// The receive window against a model that keeps a set of packets and looks through all of it each time.
@Suite struct ReceiveWindowTests {
  /// A stream of packets, some of them empty, and what a window of it should look like.
  private struct Model {
    let bodies: [[UInt8]]
    let window: Int
    var received: Set<Int> = []
    /// The first packet not read in whole.
    var consumed = 1
    var bytesRead = 0

    init(using generator: inout SeededGenerator) {
      bodies = (0..<Int.random(in: 1...120, using: &generator)).map { _ in
        (0..<Int.random(in: 0...40, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
      }
      window = Int.random(in: 1...60, using: &generator)
    }

    var count: Int { bodies.count }
    var expected: Int { (1...).first { !received.contains($0) }! }
    var top: Int { max((received.max() ?? 0) + 1, consumed) }
    var isLastKnown: Bool { received.contains(count) }

    /// Bytes of all packets before `seq`.
    func byteCount(before seq: Int) -> Int { bodies.prefix(seq - 1).reduce(0) { $0 + $1.count } }

    mutating func insert(_ seq: Int, isLast: Bool) -> ReceiveOutcome {
      if seq < expected { return .duplicate }
      if seq >= consumed + window { return .exceedsWindow }
      if isLastKnown, seq > count || (isLast && seq != count) { return .beyondEnd }
      if isLast, !isLastKnown, seq + 1 < top { return .beyondEnd }
      if received.contains(seq) { return .duplicate }
      let isNext = seq == expected
      received.insert(seq)
      return isNext ? .inOrder : .outOfOrder
    }

    mutating func read(_ wanted: Int) -> [UInt8] {
      let all = Array(bodies.joined())
      let part = all[bytesRead..<min(bytesRead + wanted, byteCount(before: expected))]
      bytesRead += part.count
      while consumed < expected, byteCount(before: consumed + 1) <= bytesRead { consumed += 1 }
      return Array(part)
    }

    /// A packet's number and whether it claims to be the last: a true one, or one whose claim the rules refuse.
    func packet(using generator: inout SeededGenerator) -> (seq: Int, isLast: Bool) {
      let seq = Int.random(in: max(1, consumed - 3)...(consumed + window + 3), using: &generator)
      if seq > count { return isLastKnown ? (seq, Bool.random(using: &generator)) : (count, true) }
      let canLie = isLastKnown || seq + 1 < top
      return (seq, seq == count || canLie && Int.random(in: 0..<10, using: &generator) == 0)
    }
  }

  private func insert(
    _ seq: Int, isLast: Bool, _ model: Model, into window: inout ReceiveWindow, _ pool: inout PacketPool
  ) -> ReceiveOutcome {
    let header = RxHeader(
      epoch: 1, cid: 4, callNumber: CallNumber(1), seq: Seq(UInt32(seq)), type: .data,
      flags: isLast ? [.lastPacket] : [], securityIndex: 0, serviceID: 1)
    let body = seq <= model.count ? model.bodies[seq - 1] : [1, 2, 3]
    return body.withUnsafeBytes { window.insert(header, $0, pool: &pool) }
  }

  private func read(_ wanted: Int, from window: inout ReceiveWindow, _ pool: inout PacketPool) -> [UInt8] {
    window.openAll()
    var buffer = [UInt8](repeating: 0, count: wanted)
    let count = buffer.withUnsafeMutableBytes { window.read(into: $0, pool: &pool) }
    return Array(buffer[..<count])
  }

  private func compare(_ window: borrowing ReceiveWindow, with model: Model, _ pool: borrowing PacketPool) {
    let (expected, top, consumed) = (window.expected.rawValue, window.top.rawValue, window.consumed.rawValue)
    #expect((Int(expected), Int(top), Int(consumed)) == (model.expected, model.top, model.consumed))
    let (hasGap, isComplete, isAtEnd) = (window.hasGap, window.isComplete, window.isAtEnd)
    #expect(hasGap == (model.top > model.expected))
    #expect(isComplete == (model.received.count == model.count))
    #expect(isAtEnd == (model.consumed > model.count))
    let held = pool.blocksInUse
    #expect(held == model.received.count { $0 >= model.consumed })
    // What is acknowledged for good was received; a slow reader leaves a stock peer's window open beyond it.
    let (limit, edge) = (Int(window.hardAckLimit.rawValue), Int(window.edge.rawValue))
    #expect(edge == model.consumed + model.window)
    #expect(limit >= model.consumed && limit <= model.expected)
    #expect(isComplete || edge - limit >= min(32, model.window))
    var acks = [UInt8](repeating: 9, count: OutgoingAck.softAcksMax)
    let count = acks.withUnsafeMutableBytes { window.writeSoftAcks(from: Seq(UInt32(limit)), to: $0.baseAddress!) }
    let wanted = (limit..<max(limit, model.top)).map { UInt8(model.received.contains($0) ? 1 : 0) }
    #expect(Array(acks[..<count]) == wanted)
  }

  @Test(
    "Packets in any order, repeated, too early or with false ends come out as the stream", arguments: UInt64(0)..<60)
  func anyOrder(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var model = Model(using: &generator)
    var window = ReceiveWindow(window: model.window)
    var pool = PacketPool()
    var stream: [UInt8] = []
    for _ in 0..<600 {
      if Int.random(in: 0..<4, using: &generator) > 0 {
        let (seq, isLast) = model.packet(using: &generator)
        let outcome = insert(seq, isLast: isLast, model, into: &window, &pool)
        #expect(outcome == model.insert(seq, isLast: isLast), "packet \(seq)")
      } else {
        let wanted = Int.random(in: 0...100, using: &generator)
        let bytes = read(wanted, from: &window, &pool)
        #expect(bytes == model.read(wanted))
        stream += bytes
      }
      compare(window, with: model, pool)
    }
    while model.consumed <= model.count {
      let seq = model.expected
      if seq <= model.count, seq < model.consumed + model.window {
        let outcome = insert(seq, isLast: seq == model.count, model, into: &window, &pool)
        #expect(outcome == .inOrder)
        _ = model.insert(seq, isLast: seq == model.count)
      }
      let bytes = read(50, from: &window, &pool)
      #expect(bytes == model.read(50))
      stream += bytes
    }
    compare(window, with: model, pool)
    #expect(stream == Array(model.bodies.joined()))
  }

  @Test("A window given up gives its packets back", arguments: UInt64(0)..<20)
  func drained(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var model = Model(using: &generator)
    var window = ReceiveWindow(window: model.window)
    var pool = PacketPool()
    for _ in 0..<50 {
      let (seq, isLast) = model.packet(using: &generator)
      _ = insert(seq, isLast: isLast, model, into: &window, &pool)
      _ = model.insert(seq, isLast: isLast)
      guard Int.random(in: 0..<10, using: &generator) == 0 else { continue }
      let bytes = read(30, from: &window, &pool)
      #expect(bytes == model.read(30))
    }
    window.drain(pool: &pool)
    let held = pool.blocksInUse
    #expect(held == 0)
  }
}
