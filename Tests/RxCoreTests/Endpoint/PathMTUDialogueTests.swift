import AFSBase
import AFSTypes
import RxTesting
import Testing

@testable import RxCore

/// What calls do about paths that are narrower than their packets.
@Suite struct PathMTUDialogueTests {
  static func configuration(window: Int = 255) -> RxEndpointConfiguration {
    var configuration = RxEndpointConfiguration()
    configuration.transmitWindow = window
    return configuration
  }

  @Test("After ICMP's word new packets are smaller, and those made before may be fragmented")
  func tooBig() {
    let dialogue = PacketDialogue.opening()
    _ = dialogue.write(1416 * 20, isLast: false)
    let first = dialogue.transmits()
    #expect(first.allSatisfy { !$0.mayFragment })
    dialogue.endpoint.receivedPathMTU(1280, from: PacketDialogue.peerAddress, now: dialogue.now)
    let again = dialogue.transmits()
    #expect(again.allSatisfy { $0.mayFragment })
    #expect(again.map(\.byteCount).reduce(0, +) == 10 * 1444)
    dialogue.endpoint.receivedPathMTU(1280, from: PacketDialogue.peerAddress, now: dialogue.now)
    #expect(dialogue.transmits().isEmpty)
    dialogue.peerSendsAck(.requested, first: 11, serial: 20)
    let rest = dialogue.transmits()
    #expect(!rest.isEmpty)
    #expect(rest.allSatisfy { $0.mayFragment && $0.segmentSize == 1444 })
    dialogue.peerSendsAck(.requested, first: 21, serial: 30)
    _ = dialogue.write(5000, isLast: true)
    let small = dialogue.transmits()
    #expect(small.contains { $0.segmentSize == 1280 - 28 })
    #expect(small.allSatisfy { $0.mayFragment == ($0.segmentSize > 1280 - 28) })
  }

  @Test("The kernel's own report names no port: it is about all peers at the address")
  func local() {
    let dialogue = PacketDialogue.opening()
    let other = RxAddress(ipv4: PacketDialogue.peerAddress.ipv4! + 1, port: 0)
    dialogue.endpoint.receivedPathMTU(1000, from: other, now: dialogue.now)
    dialogue.endpoint.receivedPathMTU(
      1280, from: RxAddress(ipv4: PacketDialogue.peerAddress.ipv4!, port: 0), now: dialogue.now)
    _ = dialogue.write(5000, isLast: true)
    #expect(dialogue.transmits().map(\.segmentSize).max() == 1280 - 28)
  }

  @Test("A report about a stranger, and one with a size of nothing, do no harm")
  func forged() {
    let dialogue = PacketDialogue.opening()
    dialogue.endpoint.receivedPathMTU(68, from: RxAddress(ipv4: 1, port: 1), now: dialogue.now)
    dialogue.endpoint.receivedPathMTU(-5, from: PacketDialogue.peerAddress, now: dialogue.now)
    _ = dialogue.write(2000, isLast: true)
    #expect(dialogue.sent().map(\.body.count) == [PathMTU.floor, PathMTU.floor, PathMTU.floor, PathMTU.floor, 32])
  }

  @Test("A large packet that vanishes while pings pass is sent with leave to fragment, and the size falls")
  func blackHole() {
    let dialogue = PacketDialogue.calling(requestCount: 1400)
    var leave = 0
    for second in 1...20 {
      dialogue.wait(until: second * 1000)
      for packet in dialogue.sent() where packet.ack?.reason == .ping && packet.body.count < 500 {
        dialogue.peerSendsAck(.pingResponse, first: 1, serial: packet.header.serial.rawValue)
      }
      leave += dialogue.endpoint.peers[0].pathMTU.current < 1416 ? 1 : 0
    }
    #expect(leave > 10)
    #expect(dialogue.endpoint.peers[0].pathMTU.current == PathMTU.base)
  }

  @Test("To an IPv6 address the first packets have 1280 bytes, and a padded ping asks for more")
  func unprovenPath() throws {
    let dialogue = PacketDialogue.opening(peer: RxAddress(high: 0x2001_0DB8 << 32, low: 1, port: 7000))
    _ = dialogue.write(20_000, isLast: false)
    #expect(dialogue.transmits().map(\.segmentSize).max() == 1280 - 48)
    dialogue.peerSendsAck(.requested, first: 5, serial: 4)
    let probe = try #require(dialogue.sent().first { $0.ack?.reason == .ping })
    #expect(probe.body.count == 1416)
    dialogue.peerSendsAck(.pingResponse, first: 5, serial: probe.header.serial.rawValue)
    _ = dialogue.write(20_000, isLast: false)
    dialogue.peerSendsAck(.requested, first: 15, serial: 14, window: 1024)
    #expect(dialogue.transmits().map(\.segmentSize).max() == RxHeader.byteCount + 1416)
  }

  @Test("If the path carries it in no way, the call ends with EMSGSIZE though the peer lives")
  func hopeless() {
    let dialogue = PacketDialogue.calling(requestCount: 1400)
    for second in 1...70 {
      dialogue.wait(until: second * 1000)
      for packet in dialogue.sent() where packet.ack?.reason == .ping && packet.body.count < 500 {
        dialogue.peerSendsAck(.pingResponse, first: 1, serial: packet.header.serial.rawValue)
      }
    }
    #expect(dialogue.takeEvents() == [.completed(dialogue.call!, .failure(.unreachable(90)))])
  }

  @Test("A padded ping is an ack with zeros behind; its answer raises the size")
  func paddedPing() throws {
    let dialogue = PacketDialogue.opening()
    _ = dialogue.write(100, isLast: false)
    dialogue.endpoint.flush(dialogue.call!, now: dialogue.now)
    _ = dialogue.sent()
    dialogue.endpoint.peers[0].pathMTU.foundBlackHole(1416, now: dialogue.now)
    dialogue.peerSendsAck(.requested, first: 2, serial: 1)
    let probe = try #require(dialogue.sent().first { $0.ack?.reason == .ping })
    #expect(probe.body.count == (PathMTU.base + 1416) / 2)
    #expect(probe.body.dropFirst(OutgoingAck.byteCount(softAckCount: 0)).allSatisfy { $0 == 0 })
    #expect(probe.header.flags.contains(.requestAck))
    dialogue.peerSendsAck(.pingResponse, first: 2, serial: probe.header.serial.rawValue)
    #expect(dialogue.endpoint.peers[0].pathMTU.current == (PathMTU.base + 1416) / 2)
  }
}
