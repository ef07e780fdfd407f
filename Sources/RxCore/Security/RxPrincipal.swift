/// Who an authenticated peer is, in the words of Kerberos 4, which rxkad's servers use: `name.instance@cell`.
public struct RxPrincipal: Hashable, Sendable, CustomStringConvertible {
  public var name: String
  /// Empty for most users.
  public var instance: String
  /// The Kerberos realm that vouches for it; empty in tickets which servers make for themselves.
  public var cell: String

  public init(name: String, instance: String = "", cell: String) {
    self.name = name
    self.instance = instance
    self.cell = cell
  }

  public var description: String {
    let local = instance.isEmpty ? name : "\(name).\(instance)"
    return cell.isEmpty ? local : "\(local)@\(cell)"
  }
}

/// What a security class knows of the peer of a server's connection once it has proved who it is.
public struct RxAuthentication: Hashable, Sendable {
  public var principal: RxPrincipal
  /// The class's own number for how much is protected; of rxkad 0 clear, 1 auth, 2 crypt.
  public var level: UInt32
  /// Seconds since 1970 when it ends; nil for never. rxkad's tickets without an end have 2^32 - 1, the protocol's word
  /// for that.
  public var expires: Int64?

  public init(principal: RxPrincipal, level: UInt32, expires: Int64?) {
    self.principal = principal
    self.level = level
    self.expires = expires
  }
}
