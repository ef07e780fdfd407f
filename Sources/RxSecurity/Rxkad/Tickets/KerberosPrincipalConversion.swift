import RxCore

/// Kerberos 5 names in the words of Kerberos 4: of some services the host's domain is cut off, and `host` becomes `rcmd`
/// (OpenAFS src/rxkad/ticket5.c, sconv_list, after MIT Kerberos's conv_princ).
enum KerberosPrincipalConversion {
  /// Services whose second part is a host name.
  private static let hostServices: Set<String> = [
    "host", "discuss", "rvdsrv", "sample", "olc", "pop", "sis", "rfs", "imap", "ftp", "ecat", "daemon", "gnats",
    "moira",
    "prms", "mandarin", "register", "changepw", "sms", "afpserver", "gdss", "news", "abs", "nfs", "tftp", "http",
    "khttp", "pgpsigner", "irc", "mandarin-agent", "write", "palladium", "smtp", "lmtp", "ldap", "acap", "argus",
    "mupdate",
  ]

  /// - Parameter components: one or two.
  /// - Returns: nil for a host service whose host has no domain.
  static func principal(_ components: [String], realm: String) -> RxPrincipal? {
    guard components.count == 2 else { return RxPrincipal(name: components[0], cell: realm) }
    guard hostServices.contains(components[0]) else {
      return RxPrincipal(name: components[0], instance: components[1], cell: realm)
    }
    guard let dot = components[1].firstIndex(of: ".") else { return nil }
    return RxPrincipal(
      name: components[0] == "host" ? "rcmd" : components[0], instance: String(components[1][..<dot]), cell: realm)
  }
}
