import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// Calls that follow each other on a channel, when what one side said last has not reached the other.
@Suite struct ChannelTests {
  /// One connection of ours whose channels but the first are in use. On that a call was answered, and its last ack is owed.
  private static func succession() -> PacketDialogue {
    let dialogue = PacketDialogue.calling()
    _ = dialogue.sent()
    let first = dialogue.call!
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    for _ in 0..<3 {
      dialogue.open()
      _ = dialogue.write(16, isLast: true)
    }
    dialogue.endpoint.release(first, now: dialogue.now)
    _ = dialogue.sent()
    return dialogue
  }

  /// Begins the next call on the first channel.
  private static func beginNext(_ dialogue: PacketDialogue, number: UInt32) {
    dialogue.open()
    #expect(dialogue.cid & 3 == 0)
    #expect(dialogue.callNumber == number)
    _ = dialogue.write(16, isLast: true)
    #expect(dialogue.sent().contains { $0.type == .data && $0.header.callNumber == CallNumber(number) })
  }

  private static func giveUp(_ dialogue: PacketDialogue) {
    dialogue.endpoint.abort(dialogue.call!, AbortCode(4711), now: dialogue.now)
    dialogue.endpoint.release(dialogue.call!, now: dialogue.now)
    _ = dialogue.sent()
  }

  @Test("A server which repeats a reply hears that it came, though later calls were given up before they reached it")
  func forgottenReply() {
    let dialogue = Self.succession()
    Self.beginNext(dialogue, number: 2)
    dialogue.peerSends(dialogue.peerHeader(.busy), [])
    Self.giveUp(dialogue)
    Self.beginNext(dialogue, number: 3)
    dialogue.callNumber = 1
    dialogue.peerSendsData(seq: 1, flags: [.lastPacket, .requestAck])
    #expect(dialogue.sent().map(\.ack) == [SentPacket.Ack(reason: .duplicate, first: 2)])
    dialogue.callNumber = 2
    dialogue.peerSendsData(seq: 1)
    #expect(dialogue.sent().map(\.abortCode) == [AbortCode.rxUserAbort.rawValue])
  }

  @Test("What a server repeats of calls before one that it has taken up is dropped")
  func oldReply() {
    let dialogue = Self.succession()
    Self.beginNext(dialogue, number: 2)
    dialogue.peerSendsAck(.delay, first: 2)
    Self.giveUp(dialogue)
    Self.beginNext(dialogue, number: 3)
    dialogue.callNumber = 1
    dialogue.peerSendsData(seq: 1, flags: [.lastPacket, .requestAck])
    #expect(dialogue.sent().isEmpty)
    dialogue.callNumber = 2
    dialogue.peerSendsData(seq: 1)
    #expect(dialogue.sent().map(\.abortCode) == [4711])
  }

  @Test("Any packet of a later call ends the one before, even if the later one cannot begin")
  func laterCall() {
    let dialogue = PacketDialogue.serving()
    dialogue.peerSendsData(seq: 1, flags: .lastPacket)
    dialogue.collectEvents()
    _ = dialogue.write(10, isLast: true)
    _ = dialogue.sent()
    _ = dialogue.takeEvents()
    dialogue.callNumber = 2
    dialogue.peerSendsAck(.ping, first: 1, flags: .requestAck)
    #expect(dialogue.takeEvents() == [.completed(dialogue.call!, .success)])
    #expect(dialogue.sent().isEmpty)
  }

  @Test("A round trip in which a process stood still puts a repetition off by 10 s at most")
  func longRoundTrip() {
    let dialogue = PacketDialogue.calling()
    let peer = dialogue.endpoint.peersByAddress[PacketDialogue.peerAddress]!
    dialogue.endpoint.peers[peer].rtt.add(.seconds(38))
    _ = dialogue.sent()
    let repeated = dialogue.sent(until: 10_500)
    #expect(repeated.contains { $0.type == .data })
    #expect(!dialogue.sent(until: 45_000).filter { $0.type == .data }.isEmpty)
  }
}
