import AFSBase
import AFSTypes
import CKrb5
import Glibc

/// libkrb5's context with what is made in it. Used by one thread at a time; its calls block.
final class KerberosContext {
  let raw: krb5_context

  init() throws(KerberosError) {
    var made: krb5_context?
    let code = krb5_init_context(&made)
    guard code == 0, let made else {
      // Most often a malformed krb5.conf: the library has words for it even without a context.
      let text = krb5_get_error_message(nil, code)
      defer { krb5_free_error_message(nil, text) }
      throw .other("libkrb5 cannot be used: \(text.map { String(cString: $0) } ?? "error \(code)")")
    }
    raw = made
  }

  deinit {
    krb5_free_context(raw)
  }

  func message(_ code: krb5_error_code) -> String {
    let text = krb5_get_error_message(raw, code)
    defer { krb5_free_error_message(raw, text) }
    return text.map { String(cString: $0) } ?? "error \(code)"
  }

  func check(_ code: krb5_error_code, _ what: String) throws(KerberosError) {
    if code != 0 { throw failure(code, what) }
  }

  func failure(_ code: krb5_error_code, _ what: String) -> KerberosError {
    let text = "\(what): \(message(code))"
    switch code {
    case afsfuse_krb5_cc_notfound(), afsfuse_krb5_fcc_nofile(): return .noCredentials(text)
    case afsfuse_krb5_service_unknown(): return .unknownService(text)
    case afsfuse_krb5_kdc_unreach(): return .unreachable(text)
    default: return .other(text)
    }
  }

  // MARK: Principals and realms

  /// The caller frees it.
  func principal(_ name: String) throws(KerberosError) -> krb5_principal {
    var made: krb5_principal?
    try check(krb5_parse_name(raw, name, &made), "principal '\(name)'")
    guard let made else { throw .other("principal '\(name)' cannot be made") }
    return made
  }

  func name(of principal: krb5_const_principal?) -> String {
    var text: UnsafeMutablePointer<CChar>?
    guard krb5_unparse_name(raw, principal, &text) == 0, let text else { return "" }
    defer { krb5_free_unparsed_name(raw, text) }
    return String(cString: text)
  }

  func realm(of principal: krb5_principal) -> String {
    let realm = principal.pointee.realm
    guard let bytes = realm.data else { return "" }
    return String(decoding: UnsafeRawBufferPointer(start: bytes, count: Int(realm.length)), as: UTF8.self)
  }

  /// The realm of a cell by krb5.conf's domain mapping: of its name, or of hosts in it, as its servers most often are.
  func mappedRealm(of cell: CellName) -> String? {
    mappedRealm(ofHost: cell.text) ?? mappedRealm(ofHost: "afs.\(cell.text)")
  }

  private func mappedRealm(ofHost host: String) -> String? {
    var realms: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    guard krb5_get_host_realm(raw, host, &realms) == 0, let realms else { return nil }
    defer { krb5_free_host_realm(raw, realms) }
    guard let first = realms.pointee, first.pointee != 0 else { return nil }
    return String(cString: first)
  }

  // MARK: Credential caches

  /// The cache of a name; nil is the default one. The caller closes it.
  func cache(_ name: String?) throws(KerberosError) -> krb5_ccache {
    var cache: krb5_ccache?
    let code = name.map { krb5_cc_resolve(raw, $0, &cache) } ?? krb5_cc_default(raw, &cache)
    try check(code, "credential cache")
    guard let cache else { throw .noCredentials("there is no credential cache") }
    return cache
  }

  /// The cache of a collection that has tickets of `principal`. The caller closes it.
  func cache(for principal: String) throws(KerberosError) -> krb5_ccache {
    let client = try self.principal(principal)
    defer { krb5_free_principal(raw, client) }
    var cache: krb5_ccache?
    try check(krb5_cc_cache_match(raw, client, &cache), "tickets of '\(principal)'")
    guard let cache else { throw .noCredentials("there are no tickets of '\(principal)'") }
    return cache
  }

  func fullName(of cache: krb5_ccache) -> String {
    var text: UnsafeMutablePointer<CChar>?
    guard krb5_cc_get_full_name(raw, cache, &text) == 0, let text else { return "" }
    defer { krb5_free_string(raw, text) }
    return String(cString: text)
  }

  /// A new cache in memory with one ticket, which is freed here. The caller destroys the cache.
  func memoryCache(of client: krb5_principal, _ ticket: inout krb5_creds) throws(KerberosError) -> krb5_ccache {
    defer { krb5_free_cred_contents(raw, &ticket) }
    var cache: krb5_ccache?
    try check(krb5_cc_new_unique(raw, "MEMORY", nil, &cache), "memory credential cache")
    guard let cache else { throw .other("no memory credential cache") }
    var code = krb5_cc_initialize(raw, cache, client)
    if code == 0 { code = krb5_cc_store_cred(raw, cache, &ticket) }
    if code != 0 {
      krb5_cc_destroy(raw, cache)
      throw failure(code, "memory credential cache")
    }
    return cache
  }
}
