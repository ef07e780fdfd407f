import AFSBase
import CKrb5
import Glibc

/// A ticket-granting ticket, alone in a cache in memory: what is asked for with it comes from the KDC and not from the
/// user's cache, and does not end up there.
final class TicketGranting {
  private let context: KerberosContext
  let cache: krb5_ccache
  let client: krb5_principal
  /// Where it came from, for people.
  let source: TokenSource
  private(set) var expires: WallTime

  private init(
    _ context: KerberosContext, cache: krb5_ccache, client: krb5_principal, source: TokenSource, expires: WallTime
  ) {
    self.context = context
    self.cache = cache
    self.client = client
    self.source = source
    self.expires = expires
  }

  deinit {
    krb5_cc_destroy(context.raw, cache)
    krb5_free_principal(context.raw, client)
  }

  // MARK: From a credential cache

  /// - Parameters:
  ///   - principal: whose tickets, of a collection of caches; nil: those of the cache named.
  ///   - now: a ticket that has ended by then is of no use.
  static func read(
    _ context: KerberosContext, cache name: String?, principal: String?, now: WallTime
  ) throws(KerberosError) -> TicketGranting {
    let origin: krb5_ccache
    if let principal { origin = try context.cache(for: principal) } else { origin = try context.cache(name) }
    defer { krb5_cc_close(context.raw, origin) }
    let fullName = context.fullName(of: origin)
    var client: krb5_principal?
    try context.check(krb5_cc_get_principal(context.raw, origin, &client), "credential cache \(fullName)")
    guard let client else { throw .noCredentials("credential cache \(fullName) is empty") }
    do throws(KerberosError) {
      var ticket = try ticketGranting(context, in: origin, fullName, client)
      let expires = WallTime(seconds: seconds(ticket.times.endtime))
      if expires <= now {
        krb5_free_cred_contents(context.raw, &ticket)
        throw .expired("the ticket of \(context.name(of: client)) in \(fullName) has expired")
      }
      let memory = try context.memoryCache(of: client, &ticket)
      let made = TicketGranting(
        context, cache: memory, client: client, source: .credentialCache(fullName), expires: expires)
      return made
    } catch {
      krb5_free_principal(context.raw, client)
      throw error
    }
  }

  /// The caller frees it.
  static func ticketGranting(
    _ context: KerberosContext, in cache: krb5_ccache, _ name: String, _ client: krb5_principal
  ) throws(KerberosError) -> krb5_creds {
    let realm = context.realm(of: client)
    let server = try context.principal("krbtgt/\(realm)@\(realm)")
    defer { krb5_free_principal(context.raw, server) }
    var wanted = krb5_creds()
    wanted.client = client
    wanted.server = server
    var found = krb5_creds()
    let code = krb5_cc_retrieve_cred(context.raw, cache, 0, &wanted, &found)
    guard code == 0 else { throw .noCredentials("credential cache \(name) has no ticket of realm \(realm)") }
    return found
  }

  // MARK: From a keytab

  static func request(
    _ context: KerberosContext, keytab name: String, principal: String?
  ) throws(KerberosError) -> TicketGranting {
    var keytab: krb5_keytab?
    try context.check(krb5_kt_resolve(context.raw, name, &keytab), "keytab \(name)")
    guard let keytab else { throw .noCredentials("keytab \(name) cannot be opened") }
    defer { krb5_kt_close(context.raw, keytab) }
    let client: krb5_principal
    if let principal { client = try context.principal(principal) } else { client = try first(context, keytab, name) }
    do throws(KerberosError) {
      var ticket = krb5_creds()
      let code = krb5_get_init_creds_keytab(context.raw, &ticket, client, keytab, 0, nil, nil)
      try context.check(code, "ticket of \(context.name(of: client)) by keytab \(name)")
      let expires = WallTime(seconds: seconds(ticket.times.endtime))
      let memory = try context.memoryCache(of: client, &ticket)
      return TicketGranting(context, cache: memory, client: client, source: .keytab(name), expires: expires)
    } catch {
      krb5_free_principal(context.raw, client)
      throw error
    }
  }

  private static func first(
    _ context: KerberosContext, _ keytab: krb5_keytab, _ name: String
  ) throws(KerberosError) -> krb5_principal {
    var cursor: krb5_kt_cursor?
    try context.check(krb5_kt_start_seq_get(context.raw, keytab, &cursor), "keytab \(name)")
    defer { krb5_kt_end_seq_get(context.raw, keytab, &cursor) }
    var entry = krb5_keytab_entry()
    try context.check(krb5_kt_next_entry(context.raw, keytab, &entry, &cursor), "keytab \(name)")
    defer { krb5_free_keytab_entry_contents(context.raw, &entry) }
    var copy: krb5_principal?
    try context.check(krb5_copy_principal(context.raw, entry.principal, &copy), "keytab \(name)")
    guard let copy else { throw .noCredentials("keytab \(name) is empty") }
    return copy
  }

  // MARK: Renewal

  /// Renews a renewable ticket of which less than half is left. The new one stays in this process.
  func renewIfDue(now: WallTime) {
    let realm = context.realm(of: client)
    guard let server = try? context.principal("krbtgt/\(realm)@\(realm)") else { return }
    defer { krb5_free_principal(context.raw, server) }
    var wanted = krb5_creds()
    wanted.client = client
    wanted.server = server
    var held = krb5_creds()
    guard krb5_cc_retrieve_cred(context.raw, cache, 0, &wanted, &held) == 0 else { return }
    let (begins, ends) = (Self.seconds(held.times.starttime), Self.seconds(held.times.endtime))
    let isRenewable =
      afsfuse_krb5_is_renewable(held.ticket_flags) != 0 && Self.seconds(held.times.renew_till) > ends
    krb5_free_cred_contents(context.raw, &held)
    guard isRenewable, now.seconds < ends, ends - now.seconds < (ends - begins) / 2 else { return }
    var renewed = krb5_creds()
    guard krb5_get_renewed_creds(context.raw, &renewed, client, cache, nil) == 0 else { return }
    defer { krb5_free_cred_contents(context.raw, &renewed) }
    guard krb5_cc_initialize(context.raw, cache, client) == 0,
      krb5_cc_store_cred(context.raw, cache, &renewed) == 0
    else { return }
    expires = WallTime(seconds: Self.seconds(renewed.times.endtime))
  }

  /// Kerberos' times are 32 bits; those past 2038 are negative (MIT krb5 reads them so).
  static func seconds(_ time: krb5_timestamp) -> Int64 { Int64(UInt32(bitPattern: time)) }
}
