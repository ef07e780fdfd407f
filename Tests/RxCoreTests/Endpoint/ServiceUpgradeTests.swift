import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// A client asks for a service's successor at the same port, as Linux's AF_RXRPC does.
@Suite struct ServiceUpgradeTests {
  private static let successor = ServiceID(2)

  private static func reply(_ dialogue: PacketDialogue, service: ServiceID) {
    var header = dialogue.peerHeader(.data, seq: 1, flags: [.lastPacket, .requestAck])
    header.serviceID = service.rawValue
    dialogue.peerSends(header, [1, 2, 3])
  }

  @Test("A call that asks says so in its first packet, and goes on with the service that answered")
  func probing() {
    let dialogue = PacketDialogue.opening(options: RxCallOptions(probesUpgrade: true))
    _ = dialogue.write(2 * 1416, isLast: true)
    let request = dialogue.sent()
    #expect(request.map(\.header.userStatus) == [1, 0])
    #expect(request.map(\.header.serviceID) == [1, 1])
    #expect(dialogue.endpoint.statistics(of: dialogue.call!)?.service == PacketDialogue.service)
    Self.reply(dialogue, service: Self.successor)
    #expect(dialogue.read().isAtEnd)
    #expect(dialogue.sent().map(\.header.serviceID) == [2])
    #expect(dialogue.endpoint.statistics(of: dialogue.call!)?.service == Self.successor)
    #expect(dialogue.takeEvents().contains(.completed(dialogue.call!, .success)))
  }

  @Test("The connection of a call that asks is its own")
  func ownConnection() {
    let dialogue = PacketDialogue.calling(options: RxCallOptions(probesUpgrade: true))
    let first = dialogue.sent()[0].header
    dialogue.open()
    _ = dialogue.write(16, isLast: true)
    let second = dialogue.sent()[0].header
    #expect(second.connectionID != first.connectionID)
    #expect(second.userStatus == 0)
  }

  @Test("A call that does not ask is not led to another service")
  func notAsked() {
    let dialogue = PacketDialogue.calling()
    #expect(dialogue.sent().map(\.header.userStatus) == [0])
    Self.reply(dialogue, service: Self.successor)
    #expect(dialogue.sent().map(\.header.serviceID) == [1])
    #expect(dialogue.endpoint.statistics(of: dialogue.call!)?.service == PacketDialogue.service)
  }

  /// What is served to a client whose first packet has `status`, and the id in our answer.
  private static func served(status: UInt8, seq: UInt32 = 1, configure: (PacketDialogue) -> Void) -> (
    ServiceID?, UInt16?
  ) {
    let dialogue = PacketDialogue.serving()
    configure(dialogue)
    var header = dialogue.peerHeader(.data, seq: seq, flags: [.lastPacket, .requestAck])
    header.userStatus = status
    dialogue.peerSends(header, [1, 2, 3])
    var service: ServiceID?
    for case .incoming(_, let call) in dialogue.takeEvents() { service = call.service }
    return (service, dialogue.sent().first?.header.serviceID)
  }

  @Test("A client that asks gets the successor, others the service they name")
  func serving() {
    func configure(_ dialogue: PacketDialogue) {
      dialogue.endpoint.register(service: Self.successor)
      dialogue.endpoint.upgrade(PacketDialogue.service, to: Self.successor)
    }
    #expect(Self.served(status: 1, configure: configure) == (Self.successor, 2))
    #expect(Self.served(status: 0, configure: configure) == (PacketDialogue.service, 1))
    #expect(Self.served(status: 7, configure: configure) == (PacketDialogue.service, 1))
  }

  @Test("Without a successor, or with one that is not there, the service itself serves")
  func noSuccessor() {
    #expect(Self.served(status: 1, configure: { _ in }) == (PacketDialogue.service, 1))
    #expect(
      Self.served(status: 1, configure: { $0.endpoint.upgrade(PacketDialogue.service, to: Self.successor) })
        == (PacketDialogue.service, 1))
  }
}
