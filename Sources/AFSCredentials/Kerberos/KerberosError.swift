/// Why Kerberos gives no ticket.
public enum KerberosError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No credential cache, or nothing in it.
  case noCredentials(String)
  /// The ticket-granting ticket has ended.
  case expired(String)
  /// The realm has no such service.
  case unknownService(String)
  /// No key distribution centre answers: later, perhaps.
  case unreachable(String)
  case other(String)

  public var description: String {
    switch self {
    case .noCredentials(let text), .expired(let text), .unknownService(let text), .unreachable(let text),
      .other(let text):
      text
    }
  }
}
