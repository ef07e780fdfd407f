import AFSBase
import AFSTypes
import RxCore
import Testing

@testable import RxSecurity

@Suite struct RxkadHandshakeTests {
  typealias Fixture = RxkadFixture

  @Test("Each kind of ticket authenticates at each level", arguments: Fixture.Kind.allCases, RxkadLevel.allCases)
  func kinds(kind: Fixture.Kind, level: RxkadLevel) throws {
    let fixture = try Fixture(Fixture.credential(kind), level: level)
    #expect(!fixture.server.isAuthenticated)
    #expect(fixture.server.authentication == nil)
    let numbers = try fixture.accept(try fixture.response())
    #expect(numbers?[0] == 1)
    #expect(fixture.server.isAuthenticated)
    let authentication = try #require(fixture.server.authentication)
    #expect(authentication.principal == RxPrincipal(name: "alice", cell: "MOCK.EXAMPLE"))
    #expect(authentication.level == level.rawValue)
    let ends = try #require(authentication.expires)
    #expect(ends >= Fixture.now + 36000)
    #expect(ends <= Fixture.now + 36000 + (kind == .native ? 300 : 0))
  }

  @Test("A name of two parts is name and instance", arguments: [Fixture.Kind.native, .aes256])
  func instance(kind: Fixture.Kind) throws {
    let fixture = try Fixture(Fixture.credential(kind, client: ["alice", "admin"]))
    try fixture.authenticate()
    #expect(fixture.server.authentication?.principal.description == "alice.admin@MOCK.EXAMPLE")
  }

  @Test("Of a host's name the domain is cut off, and host is rcmd")
  func hostService() throws {
    let fixture = try Fixture(Fixture.credential(client: ["host", "db1.mock.example"]))
    try fixture.authenticate()
    #expect(fixture.server.authentication?.principal.description == "rcmd.db1@MOCK.EXAMPLE")
  }

  @Test("The challenge has the protocol's form: version 2, number, level, zero")
  func challengeForm() throws {
    let fixture = try Fixture(minimum: .auth, nonce: 0x1122_3344)
    #expect(fixture.server.challenge() == [0, 0, 0, 2, 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 1, 0, 0, 0, 0])
  }

  @Test("A response says which ticket it has and how long it is")
  func responseForm() throws {
    let credential = Fixture.credential()
    let response = try Fixture(credential).response()
    let ticket = credential.ticket.withUnsafeBytes { Array($0) }
    #expect(Array(response[..<8]) == [0, 0, 0, 2, 0, 0, 0, 0])
    #expect(Array(response[48..<56]) == [0, 0, 1, 0, 0, 0, UInt8(ticket.count >> 8), UInt8(ticket.count & 0xFF)])
    #expect(Array(response[56...]) == ticket)
  }

  @Test(
    "A client whose packets have no checksum is asked in the old way, and answers in it", arguments: RxkadLevel.allCases
  )
  func oldVersion(level: RxkadLevel) throws {
    let fixture = try Fixture(level: level, serverContext: Fixture.context(sendsChecksums: false))
    #expect(fixture.server.challenge().count == 8)
    let numbers = try fixture.accept(try fixture.response())
    #expect(numbers == nil)
    #expect(fixture.server.authentication?.level == level.rawValue)
    // Neither side insists on checksums then, until it has seen one.
    let identity = Fixture.identity()
    var sealed = Fixture.seal([1, 2, 3], fixture.client, identity)
    let checksum = sealed.checksum
    sealed.checksum = 0
    #expect(try Fixture.open(sealed, fixture.server, identity) == [1, 2, 3])
    sealed.checksum = checksum
    #expect(try Fixture.open(sealed, fixture.server, identity) == [1, 2, 3])
    sealed.checksum = 0
    #expect(failureCode { _ = try Fixture.open(sealed, fixture.server, identity) } == .rxkadSealedInconsistent)
  }

  @Test("A server that demands more than the connection has is refused, and refuses")
  func level() throws {
    let fixture = try Fixture(level: .auth, minimum: .crypt)
    #expect(failureCode { _ = try fixture.response() } == .rxkadLevelFail)
    // A client that answers nevertheless.
    let lax = RxkadChallenge(version: .two, id: 99, level: 0).bytes
    #expect(failureCode { try fixture.accept(try fixture.response(to: lax)) } == .rxkadLevelFail)
    #expect(!fixture.server.isAuthenticated)
  }

  @Test("A challenge of no known form is refused", arguments: [0, 4, 7, 9, 12, 15])
  func shortChallenge(count: Int) throws {
    let fixture = try Fixture()
    #expect(
      failureCode { _ = try fixture.response(to: [UInt8](repeating: 0, count: count)) } == .rxkadPacketShort)
  }

  @Test("A challenge of another version is refused")
  func challengeVersion() throws {
    let fixture = try Fixture()
    var challenge = fixture.server.challenge()
    challenge[3] = 3
    #expect(failureCode { _ = try fixture.response(to: challenge) } == .rxkadInconsistency)
  }

  @Test("The server may ask again at any moment, and is answered again")
  func again() throws {
    let fixture = try Fixture()
    try fixture.authenticate()
    let other = try Fixture(nonce: 1234)
    let response = try fixture.response(to: other.server.challenge())
    try other.accept(response)
    #expect(other.server.isAuthenticated)
  }

  // MARK: Tampering

  @Test(
    "Every byte changed in a response makes it useless, but where the ticket says for whom it is",
    arguments: [
      UInt8(0x01), 0x40, 0xFF,
    ])
  func modified(mask: UInt8) throws {
    let original = try Fixture()
    let good = try original.response()
    try original.accept(good)
    for index in good.indices {
      var response = good
      response[index] ^= mask
      let fixture = try Fixture()
      let code = failureCode { try fixture.accept(response) }
      if index < RxkadResponse.fixedByteCount { #expect(code != nil, "byte \(index)") }
      // Realm and service stand unprotected in a Kerberos ticket, and nobody looks at them.
      if code == nil { #expect(fixture.server.authentication == original.server.authentication, "byte \(index)") }
    }
  }

  @Test("A response cut off anywhere is refused")
  func truncated() throws {
    let good = try Fixture().response()
    for count in 0..<good.count {
      let fixture = try Fixture()
      let code = failureCode { try fixture.accept(Array(good[..<count])) }
      #expect(code == .rxkadPacketShort, "\(count) bytes")
    }
  }

  @Test("A response to another challenge is out of sequence")
  func replayed() throws {
    let old = try Fixture(nonce: 1)
    let response = try old.response()
    try old.accept(response)
    let new = try Fixture(nonce: 2)
    #expect(failureCode { try new.accept(response) } == .rxkadOutOfSequence)
  }

  @Test(
    "A response for another connection is refused",
    arguments: [
      Fixture.context(cid: 0x1234_5674), Fixture.context(epoch: 0x8765_4322),
    ])
  func otherConnection(context: RxSecurityContext) throws {
    let fixture = try Fixture(clientContext: context)
    #expect(failureCode { try fixture.accept(try fixture.response()) } == .rxkadSealedInconsistent)
  }

  @Test("A session key that is not the ticket's is found out")
  func wrongSessionKey() throws {
    var credential = Fixture.credential()
    credential.sessionKey = SecretBytes([1, 2, 4, 7, 8, 11, 13, 14])
    let fixture = try Fixture(credential)
    #expect(failureCode { try fixture.accept(try fixture.response()) } == .rxkadSealedInconsistent)
  }

  @Test("A key version that the server does not have is unknown", arguments: [Fixture.Kind.native, .aes256, .des])
  func wrongKeyVersion(kind: Fixture.Kind) throws {
    let fixture = try Fixture(Fixture.credential(kind, keyVersion: 8))
    #expect(failureCode { try fixture.accept(try fixture.response()) } == .rxkadUnknownKey)
  }

  @Test("A ticket that was made with another key is bad", arguments: Fixture.Kind.allCases)
  func wrongServerKey(kind: Fixture.Kind) throws {
    let other = SecretBytes(kind.serverKey.withUnsafeBytes { $0.map { $0 ^ 0x10 } })
    let fixture = try Fixture(Fixture.credential(kind, serverKey: other))
    #expect(failureCode { try fixture.accept(try fixture.response()) } == .rxkadBadTicket)
  }

  @Test("Tickets too long or too short for the protocol are refused by both sides", arguments: [0, 31, 12001, 70000])
  func ticketLength(count: Int) throws {
    var credential = Fixture.credential()
    let good = try Fixture(credential).response()
    credential.ticket = SecretBytes([UInt8](repeating: 1, count: count))
    #expect(
      failureCode { _ = try RxkadClientSecurity(credential, level: .crypt, clock: Fixture.clock) } == .rxkadTicketLength
    )
    var response = Array(good[..<52])
    response.append(word: UInt32(count))
    response += [UInt8](repeating: 1, count: count)
    let fixture = try Fixture()
    #expect(failureCode { try fixture.accept(response) } == .rxkadTicketLength)
  }

  @Test("A session key of another length than 8 bytes is none", arguments: [0, 7, 9, 16])
  func keyLength(count: Int) throws {
    var credential = Fixture.credential()
    credential.sessionKey = SecretBytes([UInt8](repeating: 1, count: count))
    #expect(
      failureCode { _ = try RxkadClientSecurity(credential, level: .clear, clock: Fixture.clock) } == .rxkadBadKey)
  }

  // MARK: Times

  @Test("Tickets out of their time are refused with the protocol's codes")
  func times() throws {
    func code(_ kind: Fixture.Kind, _ starts: Int64, _ ends: Int64, isInvalid: Bool = false) throws -> AbortCode? {
      let credential = Fixture.credential(
        kind, starts: starts, ends: ends, isInvalid: isInvalid, knowsExpiry: false)
      let fixture = try Fixture(credential)
      return failureCode { try fixture.accept(try fixture.response()) }
    }
    #expect(try code(.aes256, -7200, -3600) == .rxkadExpired)
    #expect(try code(.native, -7200, -3600) == .rxkadExpired)
    // Native tickets of which the clock's difference might be to blame are taken; their packets are not.
    #expect(try code(.native, -7200, -600) == nil)
    #expect(try code(.aes256, -7200, -600) == .rxkadExpired)
    #expect(try code(.aes256, 1800, 36000) == .rxkadNoAuth)
    #expect(try code(.aes256, 600, 36000) == nil)
    #expect(try code(.aes256, 40 * 86400, 41 * 86400) == .rxkadBadTicket)
    #expect(try code(.aes256, -60, 31 * 86400) == .rxkadBadTicket)
    #expect(try code(.aes256, -60, 36000, isInvalid: true) == .rxkadNoAuth)
  }

  @Test(
    "A dot in a user's name, or three parts, are no AFS user",
    arguments: [
      ["alice.admin"], ["a", "b", "c"], ["host", "nodomain"], [String(repeating: "x", count: 64)], [],
    ])
  func names(client: [String]) throws {
    let fixture = try Fixture(Fixture.credential(client: client))
    #expect(failureCode { try fixture.accept(try fixture.response()) } == .rxkadBadTicket)
  }

  @Test("An expired token opens no connection, and one that expires takes no new calls")
  func clientExpiry() throws {
    let security = try RxkadClientSecurity(Fixture.credential(ends: 0), level: .crypt, clock: Fixture.clock)
    #expect(failureCode { _ = try security.openConnection(Fixture.context()) } == .rxkadExpired)
    let time = MovableClock(Fixture.now)
    let connection = try RxkadClientSecurity(Fixture.credential(ends: 100), level: .crypt, clock: time.read)
      .openConnection(Fixture.context())
    #expect(connection.acceptsNewCalls)
    time.set(Fixture.now + 99)
    #expect(connection.acceptsNewCalls)
    time.set(Fixture.now + 100)
    #expect(!connection.acceptsNewCalls)
  }

  @Test("A connection that has carried its bytes or has come of age takes no new calls")
  func limits() throws {
    var limits = RxkadLimits()
    limits.byteCountMax = 2000
    limits.age = .seconds(60)
    let time = MovableClock(Fixture.now)
    let security = try RxkadClientSecurity(Fixture.credential(), level: .crypt, limits: limits, clock: time.read)
    let connection = try security.openConnection(Fixture.context())
    _ = Fixture.seal([UInt8](repeating: 1, count: 1000), connection, Fixture.identity())
    #expect(connection.acceptsNewCalls)
    _ = Fixture.seal([UInt8](repeating: 1, count: 1000), connection, Fixture.identity(seq: 2))
    #expect(!connection.acceptsNewCalls)
    let other = try security.openConnection(Fixture.context())
    time.set(Fixture.now + 60)
    #expect(!other.acceptsNewCalls)
  }

  @Test("Packets of a client whose ticket has expired are refused")
  func serverExpiry() throws {
    let time = MovableClock(Fixture.now)
    let fixture = try Fixture(Fixture.credential(ends: 100), serverTime: time.read)
    try fixture.authenticate()
    let sealed = Fixture.seal([1], fixture.client, Fixture.identity())
    #expect(try Fixture.open(sealed, fixture.server, Fixture.identity()) == [1])
    time.set(Fixture.now + 100)
    #expect(failureCode { _ = try Fixture.open(sealed, fixture.server, Fixture.identity()) } == .rxkadExpired)
  }

  @Test("Nothing that is printed shows a key or a ticket")
  func printing() throws {
    let credential = Fixture.credential()
    var text = ""
    dump(credential, to: &text)
    text += "\(credential) \(credential.sessionKey) \(String(reflecting: credential.ticket))"
    dump(RxkadFixture.keys, to: &text)
    #expect(text.contains("(secret)"))
    // The session key's first bytes in decimal, as arrays and buffers print them.
    #expect(!text.contains("19, 52"))
    #expect(!text.contains("- 52"))
  }
}

/// Calendar time in a test's hand.
final class MovableClock: Sendable {
  private let seconds: Monitor<Int64>
  init(_ seconds: Int64) { self.seconds = Monitor(seconds) }
  func set(_ value: Int64) { seconds.withLock { $0 = value } }
  var read: @Sendable () -> WallTime { { [seconds] in WallTime(seconds: seconds.withLock { $0 }) } }
}
