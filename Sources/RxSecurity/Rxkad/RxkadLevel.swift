/// How much rxkad protects (OpenAFS src/rxkad/rxkad.p.h). The numbers are what goes over the wire.
public enum RxkadLevel: UInt32, Comparable, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  /// The caller is known; of each packet only place and order are checked.
  case clear = 0
  /// In addition the first eight bytes of each packet are encrypted, its length among them. The rest of it can be read
  /// and changed on the way.
  case auth = 1
  /// All of each packet's data is encrypted.
  case crypt = 2

  public static func < (a: RxkadLevel, b: RxkadLevel) -> Bool { a.rawValue < b.rawValue }

  /// As OpenAFS's tools name it: `clear`, `auth`, `crypt`.
  public init?(_ name: some StringProtocol) {
    guard let level = Self.allCases.first(where: { $0.description == name }) else { return nil }
    self = level
  }

  public var description: String {
    switch self {
    case .clear: "clear"
    case .auth: "auth"
    case .crypt: "crypt"
    }
  }
}
