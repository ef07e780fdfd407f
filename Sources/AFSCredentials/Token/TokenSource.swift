/// Where a token came from.
public enum TokenSource: Hashable, Sendable, CustomStringConvertible {
  /// A key of the session keyring, by its serial number.
  case keyring(serial: Int32)
  /// A Kerberos credential cache, by its full name (`FILE:/tmp/krb5cc_1000`).
  case credentialCache(String)
  /// A Kerberos keytab, by its name.
  case keytab(String)
  /// A command handed it over.
  case command

  public var description: String {
    switch self {
    case .keyring(let serial): "session keyring, key \(serial)"
    case .credentialCache(let name): "credential cache \(name)"
    case .keytab(let name): "keytab \(name)"
    case .command: "afsfuse aklog"
    }
  }
}
