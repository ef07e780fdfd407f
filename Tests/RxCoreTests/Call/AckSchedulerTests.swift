import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// A sender that asks for no acks, as OpenAFS does once its congestion window is wider than two packets.
private struct SilentSender {
  let dialogue: PacketDialogue
  /// Packets that may be under way; grows as in slow start, or by one for each window that was acknowledged.
  var window: Int
  var isInSlowStart: Bool
  private var next: UInt32 = 1
  private var acknowledged: UInt32 = 0
  private var counted = 0

  init(window: Int, isInSlowStart: Bool, isWide: Bool) {
    dialogue = PacketDialogue.serving()
    self.window = window
    self.isInSlowStart = isInSlowStart
    if isWide {
      // A reply of ours lets the peer show its window.
      dialogue.peerSendsData(seq: 1, flags: .lastPacket)
      dialogue.collectEvents()
      _ = dialogue.read()
      _ = dialogue.write(10, isLast: true)
      _ = dialogue.sent()
      dialogue.peerSendsAck(.delay, first: 2, window: 1024)
      dialogue.callNumber = 2
    }
  }

  /// Sends up to `count` packets, each of which arrives by itself, as far as acks let it, without any time passing.
  mutating func send(upTo count: UInt32) {
    while next <= count, Int(next - acknowledged) <= window {
      dialogue.peerSendsData(seq: next)
      next += 1
      dialogue.collectEvents()
      _ = dialogue.read()
      receive(dialogue.sent())
    }
  }

  mutating func receive(_ packets: [SentPacket]) {
    for ack in packets.compactMap(\.ack) {
      let end = ack.first - 1 + UInt32(ack.soft.prefix { $0 == "A" }.count)
      guard end > acknowledged else { continue }
      let news = Int(end - acknowledged)
      acknowledged = end
      counted += news
      if isInSlowStart {
        window = min(32, window + news)
      } else if counted >= window {
        counted = 0
        window = min(32, window + 1)
      }
    }
  }

  var sent: Int { Int(next) - 1 }
}

@Suite struct AckSchedulerTests {
  @Test(
    "A sender with a small congestion window never waits for a delayed ack",
    arguments: [2, 3, 4, 5, 8, 15], [(false, false), (false, true), (true, false), (true, true)])
  func smallWindow(window: Int, kind: (isInSlowStart: Bool, isWide: Bool)) {
    // Wide peers are ours and Linux, which ask for an ack when their congestion window ends; they grow quickly.
    let count: UInt32 = kind.isWide && !kind.isInSlowStart ? 60 : 300
    var sender = SilentSender(window: window, isInSlowStart: kind.isInSlowStart, isWide: kind.isWide)
    sender.send(upTo: count)
    #expect(sender.sent == count)
  }

  @Test("A sender whose window has shrunk unnoticed waits once")
  func shrunk() {
    var sender = SilentSender(window: 32, isInSlowStart: false, isWide: false)
    sender.send(upTo: 100)
    #expect(sender.sent == 100)
    sender.window = 3
    sender.send(upTo: 200)
    #expect(sender.sent < 200)
    sender.receive(sender.dialogue.sent(until: 101))
    sender.send(upTo: 200)
    #expect(sender.sent == 200)
  }

  @Test("A sender that has lost a packet is not made to wait afterwards")
  func afterLoss() {
    let dialogue = PacketDialogue.serving()
    for seq in UInt32(1)...60 { dialogue.peerSendsData(seq: seq) }
    _ = dialogue.sent()
    for seq in UInt32(62)...64 { dialogue.peerSendsData(seq: seq) }
    dialogue.peerSendsData(seq: 61)
    _ = dialogue.sent()
    dialogue.peerSendsData(seq: 65)
    dialogue.peerSendsData(seq: 66)
    #expect(dialogue.sent().compactMap(\.ack?.reason) == [.idle])
  }

  @Test("A sender with a wide congestion window gets an ack for every fourth packet")
  func fourth() {
    let dialogue = PacketDialogue.serving()
    var acks = 0
    for seq in UInt32(1)...116 {
      dialogue.peerSendsData(seq: seq)
      acks += dialogue.sent().count
    }
    #expect(acks == 8 + 25)
  }
}
