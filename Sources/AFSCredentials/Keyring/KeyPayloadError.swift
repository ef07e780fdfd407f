/// Why a key's payload is no token.
public enum KeyPayloadError: Error, Hashable, Sendable, CustomStringConvertible {
  /// It ends early, or has bytes left over.
  case badLength
  /// A form or a version that this program does not know.
  case unknownForm
  /// It holds tokens, but none of rxkad.
  case noRxkadToken
  /// A field has a value that cannot be.
  case badField(String)

  public var description: String {
    switch self {
    case .badLength: "it has a wrong length"
    case .unknownForm: "its form is unknown"
    case .noRxkadToken: "it holds no rxkad token"
    case .badField(let name): "its field '\(name)' has an impossible value"
    }
  }
}
