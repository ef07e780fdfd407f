public import AFSBase
public import AFSTypes
import CKrb5
import Glibc
import RxCore
import RxSecurity
import Synchronization

/// AFS tokens by Kerberos: service tickets for cells, got with the tickets of one user.
///
/// Everything that blocks happens on one thread of its own (but for `defaultCacheName`).
public final class KerberosTokens: Sendable {
  /// What is used on the Kerberos thread only.
  private final class Holdings {
    var context: KerberosContext?
    var ticket: TicketGranting?
    var ticketStamp: UInt64 = 0
  }

  private struct ThreadBound: @unchecked Sendable {
    let holdings = Holdings()
  }

  public let source: KerberosSource
  private let principal: String?
  private let realm: String?
  private let thread = KerberosThread()
  private let bound = ThreadBound()

  /// - Parameters:
  ///   - principal: whose tickets of a collection of caches; nil: the default's.
  ///   - realm: of the cells' servers; nil: as the domain mapping says.
  public init(source: KerberosSource, principal: String? = nil, realm: String? = nil) {
    self.source = source
    self.principal = principal
    self.realm = realm
  }

  /// A new token: never one that was given out before.
  /// - Parameters:
  ///   - stamp: of the source (`KerberosStamp`); when it has changed the source is read anew.
  ///   - now: calendar time.
  public func token(
    for cell: CellName, stamp: UInt64, now: WallTime
  ) async throws(KerberosError) -> Token {
    let answer = await thread.run { [self] () -> Result<Token, KerberosError> in
      do throws(KerberosError) { return .success(try obtain(cell, stamp, now)) } catch { return .failure(error) }
    }
    guard let answer else { throw .other("no thread for Kerberos") }
    return try answer.get()
  }

  /// The full name of the default cache, for messages and stamps; nil when libkrb5 cannot say.
  public static func defaultCacheName() -> String? {
    guard let context = try? KerberosContext(), let cache = try? context.cache(nil) else { return nil }
    defer { krb5_cc_close(context.raw, cache) }
    return context.fullName(of: cache)
  }

  // MARK: On the thread

  private func obtain(_ cell: CellName, _ stamp: UInt64, _ now: WallTime) throws(KerberosError) -> Token {
    let holdings = bound.holdings
    // krb5.conf may have changed as well.
    if holdings.context == nil || holdings.ticketStamp != stamp {
      holdings.ticket = nil
      holdings.context = try KerberosContext()
    }
    guard let context = holdings.context else { throw .other("libkrb5 cannot be used") }
    let ticket = try ticketGranting(holdings, context, stamp, now)
    ticket.renewIfDue(now: now)
    let names = ServiceNames(
      of: cell, given: realm, mapped: realm == nil ? context.mappedRealm(of: cell) : nil,
      user: context.realm(of: ticket.client))
    var first: KerberosError?
    for name in names.names {
      do throws(KerberosError) {
        return try serviceTicket(context, ticket, cell, name)
      } catch {
        // What goes wrong with a guess is of no interest.
        guard case .unknownService = first ?? error else { throw error }
        first = first ?? error
      }
    }
    throw first ?? .other("cell \(cell) has no realm")
  }

  private func ticketGranting(
    _ holdings: Holdings, _ context: KerberosContext, _ stamp: UInt64, _ now: WallTime
  ) throws(KerberosError) -> TicketGranting {
    if let held = holdings.ticket {
      if held.expires > now, !isKeytab || held.expires.seconds - now.seconds > Self.keytabMargin { return held }
      holdings.ticket = nil
    }
    let made: TicketGranting
    switch source {
    case .cache(let name):
      made = try TicketGranting.read(context, cache: name, principal: principal, now: now)
    case .keytab(let name, let principal):
      made = try TicketGranting.request(context, keytab: name, principal: principal ?? self.principal)
    }
    holdings.ticket = made
    holdings.ticketStamp = stamp
    return made
  }

  private var isKeytab: Bool {
    if case .keytab = source { return true }
    return false
  }

  /// Seconds before its end from which on a keytab is asked for a new ticket.
  private static let keytabMargin: Int64 = 600

  private func serviceTicket(
    _ context: KerberosContext, _ granting: TicketGranting, _ cell: CellName, _ service: String
  ) throws(KerberosError) -> Token {
    let server = try context.principal(service)
    defer { krb5_free_principal(context.raw, server) }
    // Each from the KDC: the cache in memory would give the last one again.
    let scratch = try copy(context, granting)
    defer { krb5_cc_destroy(context.raw, scratch) }
    var wanted = krb5_creds()
    wanted.client = granting.client
    wanted.server = server
    var found: UnsafeMutablePointer<krb5_creds>?
    try context.check(krb5_get_credentials(context.raw, 0, scratch, &wanted, &found), "ticket for \(service)")
    guard let found else { throw .other("no ticket for \(service)") }
    defer { krb5_free_creds(context.raw, found) }
    return try token(context, found.pointee, cell, granting.source)
  }

  private func copy(_ context: KerberosContext, _ granting: TicketGranting) throws(KerberosError) -> krb5_ccache {
    var cache: krb5_ccache?
    try context.check(krb5_cc_new_unique(context.raw, "MEMORY", nil, &cache), "memory credential cache")
    guard let cache else { throw .other("no memory credential cache") }
    var code = krb5_cc_initialize(context.raw, cache, granting.client)
    if code == 0 { code = krb5_cc_copy_creds(context.raw, granting.cache, cache) }
    if code != 0 {
      krb5_cc_destroy(context.raw, cache)
      throw context.failure(code, "memory credential cache")
    }
    return cache
  }

  private func token(
    _ context: KerberosContext, _ ticket: krb5_creds, _ cell: CellName, _ source: TokenSource
  ) throws(KerberosError) -> Token {
    let bytes = UnsafeRawBufferPointer(start: ticket.ticket.data, count: Int(ticket.ticket.length))
    guard 1...Token.ticketByteCountMax ~= bytes.count else {
      throw .other("the ticket has \(bytes.count) bytes, AFS servers take \(Token.ticketByteCountMax) at most")
    }
    let block = ticket.keyblock
    let key = SecretBytes(UnsafeRawBufferPointer(start: block.contents, count: Int(block.length)))
    let sessionKey: SecretBytes
    do {
      sessionKey = try RxkadKeyDerivation.sessionKey(enctype: block.enctype, key: key)
    } catch {
      throw .other(error.reason)
    }
    let begins = ticket.times.starttime == 0 ? ticket.times.authtime : ticket.times.starttime
    var token = Token(
      cell: cell, principal: context.name(of: ticket.client), viceID: nil, keyVersion: RxkadCredential.kerberos5,
      sessionKey: sessionKey, ticket: SecretBytes(bytes), begins: WallTime(seconds: TicketGranting.seconds(begins)),
      expires: WallTime(seconds: TicketGranting.seconds(ticket.times.endtime)), source: source)
    if let server = ticket.server { token.serviceRealm = context.realm(of: server) }
    return token
  }
}
