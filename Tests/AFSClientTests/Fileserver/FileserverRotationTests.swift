import AFSBase
import AFSTypes
import RxCore
import Testing

@testable import AFSClient

@Suite struct FileserverRotationTests {
  typealias Server = FileserverRotation.Server
  typealias Decision = FileserverRotation.Decision

  static func address(_ number: UInt32) -> RxAddress { RxAddress(ipv4: 0x0A00_0000 + number, port: 7000) }

  static func servers(_ counts: [Int]) -> [Server] {
    var number: UInt32 = 0
    return counts.map { count in
      Server(
        addresses: (0..<count).map { _ in
          number += 1
          return .init(address(number))
        })
    }
  }

  static func use(_ server: Int, _ number: UInt32) -> Decision { .use(server: server, address: address(number)) }
  static let zero = MonotonicTime.zero

  @Test("The first use is the first server; an answer which no other server could better is final")
  func plain() {
    var rotation = FileserverRotation(servers: Self.servers([1, 1]))
    #expect(rotation.next(after: nil, now: Self.zero) == Self.use(0, 1))
    #expect(rotation.next(after: .aborted(.uae(13)!), now: Self.zero) == .fail(.accessDenied))
  }

  @Test("Servers that are down come last, a server's fastest address first")
  func order() {
    let slow = Server.Address(Self.address(1), roundTrip: .milliseconds(50))
    let fast = Server.Address(Self.address(2), roundTrip: .milliseconds(1))
    let down = Server.Address(Self.address(3), isDown: true)
    var rotation = FileserverRotation(servers: [Server(addresses: [down]), Server(addresses: [slow, fast])])
    #expect(rotation.next(after: nil, now: Self.zero) == Self.use(1, 2))
    #expect(rotation.next(after: .timedOut(.dead), now: Self.zero) == Self.use(1, 1))
    #expect(rotation.next(after: .timedOut(.dead), now: Self.zero) == Self.use(0, 3))
    #expect(rotation.next(after: .unreachable(113), now: Self.zero) == .refreshVolume)
  }

  @Test("Silence everywhere: each address once, one new location, once more, then timed out")
  func silence() {
    var rotation = FileserverRotation(servers: Self.servers([2]))
    #expect(rotation.next(after: nil, now: Self.zero) == Self.use(0, 1))
    #expect(rotation.next(after: .timedOut(.dead), now: Self.zero) == Self.use(0, 2))
    #expect(rotation.next(after: .unreachable(111), now: Self.zero) == .refreshVolume)
    rotation.refreshed(servers: Self.servers([1]))
    #expect(rotation.next(after: nil, now: Self.zero) == Self.use(0, 1))
    #expect(rotation.next(after: .timedOut(.dead), now: Self.zero) == .fail(.timedOut))
  }

  @Test("A busy volume is asked at its other servers at once, then again after 0.1 s, doubled, for a minute at most")
  func busy() {
    var rotation = FileserverRotation(servers: Self.servers([1, 1]))
    var now = Self.zero
    var pauses: [Duration] = []
    var uses = 0
    var outcome: RxCallError?
    loop: while true {
      switch rotation.next(after: outcome, now: now) {
      case .use:
        uses += 1
        outcome = .aborted(.vBusy)
      case .sleep(let deadline):
        pauses.append(deadline - now)
        now = deadline
        outcome = nil
      case .refreshVolume:
        Issue.record("a busy volume needs no new location")
        break loop
      case .fail(let error):
        #expect(error == .busy)
        break loop
      }
    }
    #expect(pauses.prefix(4) == [.milliseconds(100), .milliseconds(200), .milliseconds(400), .milliseconds(800)])
    #expect(pauses.max() == .seconds(5))
    #expect(now - Self.zero <= FileserverRotation.patience)
    #expect(uses == 2 * (pauses.count + 1))
  }

  @Test("A volume that moved is located again at once; if it is nowhere, it does not exist")
  func moved() {
    var rotation = FileserverRotation(servers: Self.servers([1]))
    _ = rotation.next(after: nil, now: Self.zero)
    #expect(rotation.next(after: .aborted(.vMoved), now: Self.zero) == .refreshVolume)
    rotation.refreshed(servers: Self.servers([1, 1]))
    #expect(rotation.next(after: nil, now: Self.zero) == Self.use(0, 1))
    #expect(rotation.next(after: .aborted(.vNoVol), now: Self.zero) == .refreshVolume)
    rotation.refreshed(servers: Self.servers([1]))
    #expect(rotation.next(after: nil, now: Self.zero) == Self.use(0, 1))
    #expect(rotation.next(after: .aborted(.vNoVol), now: Self.zero) == .fail(.noSuchVolume))
  }

  @Test("An offline volume at one server and silence at the other: offline is what is reported")
  func precedence() {
    var rotation = FileserverRotation(servers: Self.servers([1, 1]))
    var now = Self.zero
    var outcome: RxCallError?
    var last: AFSError?
    for _ in 0..<1000 {
      switch rotation.next(after: outcome, now: now) {
      case .use(let server, _): outcome = server == 0 ? .aborted(.vOffline) : .timedOut(.dead)
      case .sleep(let deadline):
        now = deadline
        outcome = nil
      case .refreshVolume: outcome = nil
      case .fail(let error): last = error
      }
      if last != nil { break }
    }
    #expect(last == .volumeOffline)
  }

  @Test("A server that breaks the protocol is not asked again at its other addresses")
  func violation() {
    var rotation = FileserverRotation(servers: Self.servers([2, 1]))
    _ = rotation.next(after: nil, now: Self.zero)
    #expect(rotation.next(after: .malformedReply("x"), now: Self.zero) == Self.use(1, 3))
  }

  @Test("Cancelling ends it")
  func cancelled() {
    var rotation = FileserverRotation(servers: Self.servers([2]))
    _ = rotation.next(after: nil, now: Self.zero)
    #expect(rotation.next(after: .cancelled, now: Self.zero) == .fail(.interrupted))
  }

  @Test("No servers at all: a new location, then no such volume")
  func none() {
    var rotation = FileserverRotation(servers: [])
    #expect(rotation.next(after: nil, now: Self.zero) == .refreshVolume)
    #expect(rotation.next(after: nil, now: Self.zero) == .fail(.noSuchVolume))
  }
}
