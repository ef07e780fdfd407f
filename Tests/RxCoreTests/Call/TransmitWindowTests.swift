import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// The transmit window against a peer in a few lines, a network that loses and reorders, and counts made anew each time.
@Suite struct TransmitWindowTests {
  private static let windowMax = 40
  private static var seal: PacketSeal {
    PacketSeal(protection: nil, callNumber: CallNumber(1), channel: 0, isFromClient: true)
  }

  /// Keeps what it gets, reads in order, and may drop what it has not read.
  private struct Peer {
    var bodies: [UInt32: [UInt8]] = [:]
    /// The first packet not read: everything before it is acknowledged for good.
    var read: UInt32 = 1
    var lastSerial: UInt32 = 0
    var ackSerial: UInt32 = 0

    mutating func take(_ packet: Packet) {
      lastSerial = packet.serial
      if packet.seq >= read { bodies[packet.seq] = packet.body }
    }

    mutating func readSome(using generator: inout SeededGenerator) {
      while bodies[read] != nil, Int.random(in: 0..<4, using: &generator) > 0 { read += 1 }
    }

    mutating func dropSome(using generator: inout SeededGenerator) {
      guard let victim = bodies.keys.filter({ $0 >= read }).sorted().randomElement(using: &generator) else { return }
      bodies[victim] = nil
    }

    /// The body of an ACK packet (AckPacket.swift), with its serial.
    mutating func ack(window: UInt32) -> (bytes: [UInt8], serial: Serial) {
      func word(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
      let top = max(read, (bodies.keys.max() ?? 0) + 1)
      let softAcks = (read..<top).map { UInt8(bodies[$0] == nil ? 0 : 1) }
      ackSerial += 1
      let bytes =
        [0, 0, 0, 0] + word(read) + word(top - 1) + word(lastSerial) + [2, UInt8(softAcks.count)] + softAcks + [
          0, 0, 0,
        ]
        + word(1444) + word(1444) + word(window) + word(1)
      return (bytes, Serial(ackSerial))
    }
  }

  private struct Packet {
    var seq: UInt32
    var serial: UInt32
    var body: [UInt8]
  }

  /// A sender, the network and the peer.
  private struct Transfer: ~Copyable {
    var window = TransmitWindow(window: TransmitWindowTests.windowMax)
    var pool = PacketPool()
    var peer = Peer()
    var packets: [Packet] = []
    var acks: [(bytes: [UInt8], serial: Serial)] = []
    var written: [UInt8] = []
    var now = MonotonicTime.zero
    var serial: UInt32 = 0

    mutating func write(_ count: Int, isLast: Bool) {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: written.count + $0 &* 31) }
      let taken = bytes.withUnsafeBytes {
        window.write($0, isLast: false, bodyByteCountMax: 50, seal: TransmitWindowTests.seal, pool: &pool)
      }
      written += bytes[..<taken]
      if isLast, taken == count, window.queueSpace > 0 {
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        _ = window.write(empty, isLast: true, bodyByteCountMax: 50, seal: TransmitWindowTests.seal, pool: &pool)
      }
    }

    /// - Returns: false when nothing may be sent.
    mutating func transmit(congestionWindow: Int, isLostOnTheWay: Bool) -> Bool {
      let next = window.nextToTransmit(congestionWindow: congestionWindow)
      let wanted = Self.next(window, congestionWindow)
      #expect(next == wanted)
      guard let seq = next else { return false }
      serial += 1
      let slot = window.slots[seq]
      let body = [UInt8](UnsafeRawBufferPointer(start: slot.block, count: Int(slot.count)))
      window.transmitted(seq, serial: Serial(serial), now: now)
      if !isLostOnTheWay { packets.append(Packet(seq: seq.rawValue, serial: serial, body: body)) }
      return true
    }

    /// The first lost packet, else the first never sent, as far as both windows allow.
    private static func next(_ window: borrowing TransmitWindow, _ congestionWindow: Int) -> Seq? {
      guard window.inFlight < congestionWindow || window.probes > 0 else { return nil }
      var seq = window.base
      while seq < window.nextUnsent {
        if window.slots[seq].state == .lost { return seq }
        seq += 1
      }
      let room = min(window.peerWindow, TransmitWindowTests.windowMax)
      return window.nextUnsent < window.end && window.nextUnsent - window.base < room ? window.nextUnsent : nil
    }

    mutating func deliver(at index: Int) { peer.take(packets.remove(at: index)) }

    mutating func hearAck(at index: Int, _ patience: LossPatience) {
      let (bytes, serial) = acks.remove(at: index)
      let base = window.base
      bytes.withUnsafeBytes { body in
        guard let ack = ReceivedAck(body) else {
          Issue.record("an ACK that cannot be read")
          return
        }
        let outcome = window.acknowledge(
          ack, ackSerial: serial, isFresh: false, now: now, patience, pool: &pool)
        // An overtaken ACK is outdated as soon as the window has moved beyond it.
        #expect((outcome == nil) == (ack.firstPacket < base))
      }
    }

    /// The counts are those of the slots, and no packet is anything that it cannot be where it lies.
    func check() {
      var (inFlight, lost, acknowledged) = (0, 0, 0)
      var firstLost: Seq?
      var seq = window.base
      while seq < window.end {
        let state = window.slots[seq].state
        let isSent = seq < window.nextUnsent
        switch state {
        case .empty: Issue.record("packet \(seq) is gone")
        case .queued: #expect(!isSent)
        case .inFlight: inFlight += 1
        case .lost:
          lost += 1
          if firstLost == nil { firstLost = seq }
        case .acknowledged: acknowledged += 1
        }
        if state != .queued { #expect(isSent) }
        seq += 1
      }
      let counts = [window.inFlight, window.lostCount, window.softAcknowledged]
      #expect(counts == [inFlight, lost, acknowledged])
      let lostFrom = window.lostFrom
      if let firstLost { #expect(lostFrom <= firstLost) }
      let space = window.queueSpace
      #expect(space >= 0 && space <= TransmitWindowTests.windowMax)
      // What is forgotten was read by the peer.
      let base = window.base.rawValue
      #expect(base <= peer.read)
      let held = pool.blocksInUse
      #expect(held == window.end - window.base + (window.tail == nil ? 0 : 1))
    }
  }

  private func patience(using generator: inout SeededGenerator) -> LossPatience {
    var patience = LossPatience(ReorderingTolerance(), RTTEstimator(initialTimeout: .seconds(1), timeoutMin: .zero))
    patience.packets = Int.random(in: 1...6, using: &generator)
    patience.time = .milliseconds(Int.random(in: 1...50, using: &generator))
    return patience
  }

  private func step(_ transfer: inout Transfer, using generator: inout SeededGenerator) {
    switch Int.random(in: 0..<12, using: &generator) {
    case 0, 1: transfer.write(Int.random(in: 0...300, using: &generator), isLast: false)
    case 2, 3, 4:
      _ = transfer.transmit(
        congestionWindow: Int.random(in: 1...30, using: &generator),
        isLostOnTheWay: Int.random(in: 0..<4, using: &generator) == 0)
    case 5, 6:
      if let index = transfer.packets.indices.randomElement(using: &generator) { transfer.deliver(at: index) }
    case 7: transfer.peer.readSome(using: &generator)
    case 8: transfer.acks.append(transfer.peer.ack(window: UInt32.random(in: 0...60, using: &generator)))
    case 9:
      guard let index = transfer.acks.indices.randomElement(using: &generator) else { return }
      transfer.hearAck(at: index, patience(using: &generator))
    case 10:
      if Int.random(in: 0..<3, using: &generator) == 0 {
        transfer.peer.dropSome(using: &generator)
      } else {
        transfer.window.timedOut(isRepeated: Bool.random(using: &generator))
      }
    default: transfer.now = transfer.now + .milliseconds(Int.random(in: 0...20, using: &generator))
    }
  }

  @Test("Whatever network and peer do, the counts are right and the stream arrives", arguments: UInt64(0)..<60)
  func anyNetwork(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var transfer = Transfer()
    for _ in 0..<1500 {
      step(&transfer, using: &generator)
      transfer.check()
    }
    // From here on nothing is lost any more.
    transfer.acks = []
    var rounds = 0
    while !(transfer.window.isClosed && transfer.window.isEmpty), rounds < 1000 {
      rounds += 1
      if !transfer.window.isClosed { transfer.write(0, isLast: true) }
      while transfer.transmit(congestionWindow: 1000, isLostOnTheWay: false) {}
      while !transfer.packets.isEmpty { transfer.deliver(at: 0) }
      while transfer.peer.bodies[transfer.peer.read] != nil { transfer.peer.read += 1 }
      transfer.acks.append(transfer.peer.ack(window: UInt32(Self.windowMax)))
      transfer.hearAck(at: 0, patience(using: &generator))
      transfer.window.timedOut(isRepeated: true)
      transfer.check()
    }
    let isAllAcknowledged = transfer.window.isAllAcknowledged
    #expect(isAllAcknowledged)
    let bodies = transfer.peer.bodies
    let stream = bodies.keys.sorted().flatMap { bodies[$0] ?? [] }
    let written = transfer.written
    #expect(stream == written)
    #expect(!written.isEmpty)
  }
}
