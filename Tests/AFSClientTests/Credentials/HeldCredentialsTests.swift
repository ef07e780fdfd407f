import AFSBase
import AFSCredentials
import AFSTypes
import RxCore
import Testing

@testable import AFSClient

/// When a token is looked for, renewed, and no longer believed.
@Suite struct HeldCredentialsTests {
  private static let start: Int64 = 1_700_000_000

  private static func at(_ seconds: Int64) -> WallTime { WallTime(seconds: start + seconds) }

  private static func token(
    _ number: UInt8, user: String = "alice@EXAMPLE.COM", until end: Int64 = 100,
    source: TokenSource = .credentialCache("FILE:/x")
  ) -> Token {
    Token(
      cell: CellName("example.com")!, principal: user, viceID: nil, keyVersion: 256,
      sessionKey: SecretBytes([UInt8](repeating: number, count: 8)), ticket: SecretBytes([number, 1, 2]),
      begins: at(0), expires: at(end), source: source)
  }

  private static func holding(_ token: Token, stamp: UInt64 = 1) -> HeldCredentials {
    var held = HeldCredentials()
    #expect(held.look(stamp: stamp, now: at(0)).asks)
    #expect(held.answered(.token(token), stamp: stamp, now: at(0)) == .changed)
    return held
  }

  @Test("Who has no provider is anonymous without a question")
  func noProvider() {
    var held = HeldCredentials()
    #expect(!held.look(stamp: nil, now: Self.at(0)).asks)
    #expect(held.holding == .none)
  }

  @Test("A token is kept without questions until four fifths of its life are over, or the stamp changes")
  func kept() {
    var held = Self.holding(Self.token(1))
    #expect(!held.look(stamp: 1, now: Self.at(79)).asks)
    #expect(held.look(stamp: 1, now: Self.at(80)).asks)
    #expect(held.look(stamp: 2, now: Self.at(1)).asks)
  }

  @Test("The same user's next token renews; another user's is a change")
  func renewed() {
    var held = Self.holding(Self.token(1))
    let next = Self.token(2, until: 200)
    #expect(held.answered(.token(next), stamp: 1, now: Self.at(80)) == .renewed(next))
    #expect(held.answered(.token(Self.token(3, user: "bob@EXAMPLE.COM")), stamp: 2, now: Self.at(81)) == .changed)
  }

  @Test("Of an ending ticket no second token is taken, unless the ticket is new or a server refuses the first")
  func noBetter() {
    for second in [Self.token(2), Self.token(2, until: 99)] {
      var held = Self.holding(Self.token(1))
      #expect(held.answered(.token(second), stamp: 1, now: Self.at(80)) == .unchanged)
      #expect(held.token == Self.token(1))
      #expect(!held.look(stamp: 1, now: Self.at(89)).asks)
      #expect(held.look(stamp: 1, now: Self.at(90)).asks)
      #expect(held.answered(.token(second), stamp: 2, now: Self.at(90)) == .renewed(second))
      held = Self.holding(Self.token(1))
      #expect(held.answered(.token(second), stamp: 1, now: Self.at(80), isRefused: true) == .renewed(second))
    }
  }

  @Test("Users without a name are never taken for the same")
  func nameless() {
    var held = Self.holding(Self.token(1, user: ""))
    #expect(held.answered(.token(Self.token(2, user: "")), stamp: 2, now: Self.at(1)) == .changed)
  }

  @Test("A renewal that fails, or brings nothing, is tried again before the end")
  func renewalFails() {
    for answer in [TokenAnswer.failed("no KDC"), .expired("ticket"), .token(Self.token(1)), .none] {
      var held = Self.holding(Self.token(1))
      #expect(held.answered(answer, stamp: 1, now: Self.at(80)) == .unchanged)
      #expect(!held.look(stamp: 1, now: Self.at(81)).asks)
      #expect(held.look(stamp: 1, now: Self.at(90)).asks)
      #expect(held.token != nil)
    }
  }

  @Test("At its end a token lapses, to the second")
  func expires() {
    var held = Self.holding(Self.token(1))
    #expect(!held.look(stamp: 1, now: Self.at(79)).hasLapsed)
    let look = held.look(stamp: 1, now: Self.at(100))
    #expect(look.asks && look.hasLapsed && held.holding == .lapsed(Self.token(1), .expired))
    #expect(held.answered(.expired("over"), stamp: 1, now: Self.at(100)) == .unchanged)
    // Not before each call again.
    #expect(!held.look(stamp: 1, now: Self.at(101)).asks)
    #expect(held.look(stamp: 2, now: Self.at(101)).asks)
  }

  @Test("An ended ticket at the first look says so instead of going on as nobody")
  func expiredFirst() {
    var held = HeldCredentials()
    #expect(held.answered(.expired("over"), stamp: 1, now: Self.at(0)) == .changed)
    #expect(held.holding == .lapsed(nil, .expired))
  }

  @Test("kdestroy leaves the token until its end; a key taken out of the keyring takes it away")
  func takenAway() {
    var kerberos = Self.holding(Self.token(1))
    #expect(kerberos.answered(.none, stamp: 2, now: Self.at(5)) == .unchanged)
    #expect(kerberos.holding == .token(Self.token(1)))
    let key = Self.token(1, source: .keyring(serial: 5))
    var keyring = Self.holding(key)
    #expect(keyring.answered(.none, stamp: 2, now: Self.at(5)) == .changed)
    #expect(keyring.holding == .lapsed(key, .withdrawn))
    keyring.nothingUnstored()
    #expect(keyring.holding == .none)
  }

  @Test("A token that a command gave outlives a provider without one, and ends with unlog")
  func given() {
    var held = HeldCredentials()
    let token = Self.token(1, source: .command)
    #expect(held.given(token, now: Self.at(0)) == .changed)
    #expect(held.answered(.none, stamp: 1, now: Self.at(1)) == .unchanged)
    #expect(held.token == token)
    #expect(held.withdrawn(hasUnstored: false, stamp: 1) == .changed)
    #expect(held.holding == .none && !held.look(stamp: 1, now: Self.at(2)).asks)
  }

  @Test("unlog with something unstored waits for the next token")
  func withdrawn() {
    var held = Self.holding(Self.token(1))
    #expect(held.withdrawn(hasUnstored: true, stamp: 1) == .changed)
    #expect(held.holding == .lapsed(Self.token(1), .withdrawn))
    #expect(held.answered(.token(Self.token(2)), stamp: 2, now: Self.at(3)) == .changed)
    #expect(held.token == Self.token(2))
  }

  @Test("A refused token lapses; that of a call made with an older one does not")
  func refused() {
    var held = Self.holding(Self.token(1))
    #expect(held.refused(Self.token(7), expired: false) == .unchanged)
    #expect(held.refused(Self.token(1), expired: false) == .changed)
    #expect(held.holding == .lapsed(Self.token(1), .refused))
  }

  @Test("Lapsed identities read what everybody may; they change nothing, and their data waits")
  func obstacles() {
    func security(_ lapse: CallSecurity.Lapse?) -> CallSecurity { CallSecurity(reference: .none, lapse: lapse) }
    #expect(security(nil).obstacle(toStore: true) == nil && security(nil).refusal == .accessDenied)
    #expect(security(.expired).obstacle(toStore: false) == .tokenExpired && security(.expired).refusal == .tokenExpired)
    for lapse in [CallSecurity.Lapse.refused, .withdrawn] {
      #expect(security(lapse).obstacle(toStore: true) == .tokenExpired)
      #expect(security(lapse).obstacle(toStore: false) == nil && security(lapse).refusal == .accessDenied)
    }
  }
}
