/// A word of an interface file.
struct Token: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    case identifier(String)
    case number(Int64)
    case string(String)
    case punctuation(Character)
    case endOfFile
  }

  var kind: Kind
  var line: Int
  /// The `///` lines directly above, without their slashes.
  var documentation: [String] = []

  var text: String {
    switch kind {
    case .identifier(let name): name
    case .number(let value): String(value)
    case .string(let value): "\"\(value)\""
    case .punctuation(let character): String(character)
    case .endOfFile: "end of file"
    }
  }
}
