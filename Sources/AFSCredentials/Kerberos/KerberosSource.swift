/// Whose Kerberos tickets are used.
public enum KerberosSource: Hashable, Sendable {
  /// A credential cache by its name; nil: the default one, as KRB5CCNAME and krb5.conf say.
  case cache(String?)
  /// A keytab, and the principal in it; nil: its first one.
  case keytab(String, principal: String?)
}
