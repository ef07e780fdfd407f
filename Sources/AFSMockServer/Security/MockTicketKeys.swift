import AFSBase
import RxSecurity

/// The keys of a mock cell's service `afs/CELL@REALM`: one for each kind of ticket, all of one version.
struct MockTicketKeys: Sendable {
  static let version: UInt32 = 3

  /// Encryption types of the service's keys: DES (for native tickets too), AES of 128 and 256 bits, both flavours.
  private static let types: [(enctype: Int32, byteCount: Int)] = [(1, 8), (17, 16), (18, 32), (19, 16), (20, 32)]

  let byType: [Int32: SecretBytes]
  /// What the servers have.
  var serverKeys = RxkadServerKeys()

  init(using generator: inout SeededGenerator) {
    var byType: [Int32: SecretBytes] = [:]
    for (enctype, byteCount) in Self.types {
      let key = Self.randomKey(byteCount, using: &generator)
      byType[enctype] = key
      serverKeys.add(key, version: Self.version, enctype: enctype)
    }
    self.byType = byType
  }

  static func randomKey(_ byteCount: Int, using generator: inout SeededGenerator) -> SecretBytes {
    SecretBytes((0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &generator) })
  }
}

/// What kind of ticket a mock cell makes, and what is wrong with it.
public struct MockTicket: Sendable, Hashable {
  /// How it is encrypted.
  public enum Form: Sendable, Hashable, CaseIterable {
    case native, kerberos5, kerberos5EncryptedPart
  }

  /// What a server must refuse.
  public enum Defect: Sendable, Hashable, CaseIterable {
    /// Encrypted with a key of a version that the servers do not have.
    case unknownKeyVersion
    /// Encrypted with a key that is not the servers'.
    case forged
    /// The client has another session key than the ticket.
    case wrongSessionKey
  }

  public var form = Form.kerberos5
  /// Of the service's key, for Kerberos 5 tickets: 17 to 20, or 1.
  public var enctype: Int32 = 18
  /// From now on.
  public var lifetime: Duration = .seconds(10 * 3600)
  /// After now.
  public var startsIn: Duration = .zero
  public var defect: Defect?
  /// Whether the client knows when the ticket ends; without, only the server finds out.
  public var showsExpiry = true
  /// The realm of the client; nil for the cell's own.
  public var realm: String?

  public init() {}
}
