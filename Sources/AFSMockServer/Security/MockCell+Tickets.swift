import AFSBase
import AFSTypes
public import RxCore
public import RxSecurity
import Synchronization

extension MockCell {
  /// A ticket for the cell's servers and its session key, as a user gets them from a KDC.
  ///
  /// - Parameters:
  ///   - user: `alice` or `alice.admin`. He need not be known to the protection service: then he is anonymous there.
  ///   - set: what is unusual about it.
  public func makeCredential(for user: String, _ set: (inout MockTicket) -> Void = { _ in }) -> RxkadCredential {
    var ticket = MockTicket()
    set(&ticket)
    let now = wallTime.seconds
    return state.withLock { state in
      let starts = now + ticket.startsIn.components.seconds
      let ends = now + ticket.lifetime.components.seconds
      let sessionKey = MockTicketKeys.randomKey(RxkadCredential.sessionKeyByteCount, using: &state.generator)
      let sealed = state.seal(ticket, user: user, sessionKey: sessionKey, starts: starts, ends: ends)
      return RxkadCredential(
        keyVersion: ticket.keyVersion,
        sessionKey: ticket.defect == .wrongSessionKey
          ? MockTicketKeys.randomKey(RxkadCredential.sessionKeyByteCount, using: &state.generator) : sessionKey,
        ticket: sealed, expires: ticket.showsExpiry ? WallTime(seconds: ends) : nil)
    }
  }

  /// Calls to the file servers that came authenticated, by who called.
  public var callerCounts: [RxPrincipal: Int] { state.withLock { $0.callers } }

  /// The rxkad side of one of the cell's servers, to be registered for its services with the transport (or host).
  /// - Parameters:
  ///   - server: a fileserver's number; nil for the database servers.
  ///   - minimumLevel: what it demands of its clients.
  public func serverSecurity(ofServer server: Int?, minimumLevel: RxkadLevel = .clear) -> any RxServerSecurity {
    MockServerSecurity(cell: self, server: server, minimumLevel: minimumLevel)
  }
}

extension MockTicket {
  /// What the client says of it in its response.
  var keyVersion: UInt32 {
    switch form {
    case .native: defect == .unknownKeyVersion ? MockTicketKeys.version + 1 : MockTicketKeys.version
    case .kerberos5: RxkadCredential.kerberos5
    case .kerberos5EncryptedPart: RxkadCredential.kerberos5EncryptedPart
    }
  }
}

extension MockCellState {
  mutating func seal(
    _ ticket: MockTicket, user: String, sessionKey: SecretBytes, starts: Int64, ends: Int64
  ) -> SecretBytes {
    let enctype = ticket.form == .native ? 1 : ticket.enctype
    guard var key = tickets.byType[enctype] else { preconditionFailure("no key of type \(enctype)") }
    if ticket.defect == .forged { key = MockTicketKeys.randomKey(key.count, using: &generator) }
    let parts = user.split(separator: ".", maxSplits: 1).map(String.init)
    let sealed: SecretBytes?
    if ticket.form == .native {
      let client = RxPrincipal(
        name: parts[0], instance: parts.count > 1 ? parts[1] : "", cell: ticket.realm ?? realm)
      sealed = NativeTicket.seal(
        RxkadTicket(client: client, sessionKey: sessionKey, starts: starts, ends: ends),
        server: RxPrincipal(name: "afs", cell: ""), key: key)
    } else {
      let request = KerberosTicketRequest(
        realm: ticket.realm ?? realm, client: parts, service: ["afs", name.text], sessionKeyType: 1,
        sessionKey: sessionKey, starts: starts, ends: ends)
      sealed = KerberosTicket.seal(
        request, key: key,
        keyVersion: ticket.defect == .unknownKeyVersion ? MockTicketKeys.version + 1 : MockTicketKeys.version,
        enctype: enctype, isWhole: ticket.form == .kerberos5, using: &generator)
    }
    guard let sealed else { preconditionFailure("no such ticket can be made for \(user)") }
    return sealed
  }
}
