public import AFSBase

/// The keys of a service: what its tickets are encrypted with. An older key stays until its tickets have ended.
public struct RxkadServerKeys: Sendable, Hashable {
  /// A key's place: its version, and the encryption type that Kerberos gives it.
  struct Name: Hashable {
    var version: UInt32
    var enctype: Int32
  }

  private var keys: [Name: SecretBytes] = [:]

  /// des-cbc-crc, whose key native tickets are encrypted with too (RFC 3961 section 8).
  public static let des: Int32 = 1

  public init() {}

  /// - Parameters:
  ///   - version: the key version number in tickets; for native tickets from 0 to 255.
  ///   - enctype: 17 to 20 for AES, 1 to 3 for DES.
  public mutating func add(_ key: SecretBytes, version: UInt32, enctype: Int32) {
    keys[Name(version: version, enctype: RxkadKeyDerivation.desTypes.contains(enctype) ? Self.des : enctype)] = key
  }

  /// DES keys serve all types of DES.
  func key(version: UInt32, enctype: Int32) -> SecretBytes? {
    keys[Name(version: version, enctype: RxkadKeyDerivation.desTypes.contains(enctype) ? Self.des : enctype)]
  }
}
