/// The Swift spelling of a name from an interface file.
enum SwiftNames {
  /// `FetchStatus` -> `fetchStatus`, `GetCE64` -> `getCE64`, `IDToName` -> `idToName`, `XStatsVersion` -> `xStatsVersion`.
  static func method(_ name: String) -> String {
    let characters = Array(name)
    var capitals = characters.prefix { $0.isUppercase }.count
    if capitals > 1, capitals < characters.count { capitals -= 1 }
    return String(characters[..<capitals]).lowercased() + String(characters[capitals...])
  }

  /// `method("StartX")` for `X` as it is spelled: `startFetchData64`.
  static func starter(_ name: String) -> String { "start" + name }

  /// A number, its digits in groups of three from seven digits on.
  static func number(_ value: some BinaryInteger) -> String {
    let digits = String(value.magnitude)
    guard digits.count > 6 else { return String(value) }
    var grouped = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { grouped += "_" }
      grouped.append(digit)
    }
    return (value < 0 ? "-" : "") + grouped
  }

  /// Names that are words of the language.
  static func quoted(_ name: String) -> String {
    ["in", "out", "default", "switch", "case", "operator", "protocol", "extension", "init", "self"].contains(name)
      ? "`\(name)`" : name
  }
}
