import CKrb5
import Glibc
import Synchronization

/// What a credential cache that is no file holds, by asking libkrb5: a number that changes with the ticket-granting
/// ticket, and with whose it is.
final class CacheContents: Sendable {
  private struct Bound: @unchecked Sendable {
    /// Used under the lock only.
    var context: KerberosContext?
  }

  private let name: String?
  private let bound = Mutex(Bound())

  /// - Parameter name: the cache's name; nil is the default one. A collection's (`KEYRING:persistent:1000`, `KCM:`) stands
  ///   for that cache in it which is its default at the time.
  init(name: String?) {
    self.name = name
  }

  /// 0 when there is no ticket. Differs between processes.
  var stamp: UInt64 {
    bound.withLock { bound in
      if bound.context == nil { bound.context = try? KerberosContext() }
      guard let context = bound.context else { return 0 }
      return (try? Self.stamp(context, name)) ?? 0
    }
  }

  private static func stamp(_ context: KerberosContext, _ name: String?) throws(KerberosError) -> UInt64 {
    let cache = try context.cache(name)
    defer { krb5_cc_close(context.raw, cache) }
    var client: krb5_principal?
    let fullName = context.fullName(of: cache)
    try context.check(krb5_cc_get_principal(context.raw, cache, &client), "credential cache \(fullName)")
    guard let client else { return 0 }
    defer { krb5_free_principal(context.raw, client) }
    var ticket = try TicketGranting.ticketGranting(context, in: cache, fullName, client)
    defer { krb5_free_cred_contents(context.raw, &ticket) }
    var hasher = Hasher()
    hasher.combine(context.name(of: client))
    hasher.combine(bytes: UnsafeRawBufferPointer(start: ticket.ticket.data, count: Int(ticket.ticket.length)))
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }
}
