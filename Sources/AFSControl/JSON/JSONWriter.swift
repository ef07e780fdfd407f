extension JSONValue {
  /// As text.
  /// - Parameter indented: for people; otherwise one line.
  package func text(indented: Bool = false) -> String {
    var out = ""
    write(to: &out, indent: indented ? 0 : nil)
    return out
  }

  private func write(to out: inout String, indent: Int?) {
    switch self {
    case .null: out += "null"
    case .bool(let value): out += value ? "true" : "false"
    case .integer(let value): out += String(value)
    // RFC 8259 has neither infinities nor NaN.
    case .number(let value): out += value.isFinite ? String(value) : "null"
    case .string(let text): Self.write(text, to: &out)
    case .array(let values):
      Self.write(values, between: ("[", "]"), to: &out, indent: indent) { value, out, inner in
        value.write(to: &out, indent: inner)
      }
    case .object(let members):
      Self.write(members, between: ("{", "}"), to: &out, indent: indent) { member, out, inner in
        Self.write(member.name, to: &out)
        out += inner == nil ? ":" : ": "
        member.value.write(to: &out, indent: inner)
      }
    }
  }

  private static func write<Element>(
    _ elements: [Element], between brackets: (String, String), to out: inout String, indent: Int?,
    _ body: (Element, inout String, Int?) -> Void
  ) {
    out += brackets.0
    for (index, element) in elements.enumerated() {
      if index > 0 { out += "," }
      newLine(indent.map { $0 + 1 }, to: &out)
      body(element, &out, indent.map { $0 + 1 })
    }
    if !elements.isEmpty { newLine(indent, to: &out) }
    out += brackets.1
  }

  private static func newLine(_ indent: Int?, to out: inout String) {
    guard let indent else { return }
    out += "\n" + String(repeating: "  ", count: indent)
  }

  private static func write(_ text: String, to out: inout String) {
    out += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case let scalar where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}
