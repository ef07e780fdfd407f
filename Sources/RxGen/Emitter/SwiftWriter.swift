/// Collects lines of Swift, indented by two spaces a level and at most 120 columns wide where lists can be broken.
struct SwiftWriter {
  private(set) var text = ""
  private var level = 0
  private static let widthMax = 120

  mutating func line(_ content: String = "") {
    text += content.isEmpty ? "\n" : indentation + content + "\n"
  }

  /// `opening {`, the body, `}`.
  mutating func block(_ opening: String, _ body: (inout SwiftWriter) throws(RxGenError) -> Void) throws(RxGenError) {
    line(opening + " {")
    level += 1
    try body(&self)
    level -= 1
    line("}")
  }

  /// `before(items)after`, on one line if it fits, else with the items filled into lines of their own.
  mutating func list(_ before: String, _ items: [String], _ after: String) {
    let whole = before + "(" + items.joined(separator: ", ") + ")" + after
    if indentation.count + whole.count <= Self.widthMax {
      line(whole)
      return
    }
    line(before + "(")
    // The text before may bring an indentation of its own.
    let inner = before.prefix { $0 == " " }
    level += 1
    var filled = ""
    for (index, item) in items.enumerated() {
      let part = index == items.count - 1 ? item : item + ","
      if filled.isEmpty {
        filled = inner + part
      } else if indentation.count + filled.count + 1 + part.count <= Self.widthMax {
        filled += " " + part
      } else {
        line(filled)
        filled = inner + part
      }
    }
    line(filled)
    level -= 1
    line(inner + ")" + after)
  }

  mutating func documentation(_ lines: [String]) {
    for text in lines { line(text.isEmpty ? "///" : "/// " + text) }
  }

  private var indentation: String { String(repeating: "  ", count: level) }
}
