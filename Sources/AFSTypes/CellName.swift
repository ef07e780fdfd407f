/// The name of a cell: a DNS name, kept in lower case.
public struct CellName: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let text: String

  /// 256 octets at most (OpenAFS src/auth/cellconfig.h, MAXCELLCHARS is smaller: 64; DNS allows 253).
  public static let lengthMax = 253

  /// nil unless `text` is made of letters, digits, `-`, `_` and single inner dots.
  public init?(_ text: some StringProtocol) {
    let lower = text.lowercased()
    guard !lower.isEmpty, lower.utf8.count <= Self.lengthMax, lower.first != ".", lower.last != "." else { return nil }
    var previous: UInt8 = 0
    for byte in lower.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
        UInt8(ascii: "_"):
        break
      case UInt8(ascii: "."):
        if previous == UInt8(ascii: ".") { return nil }
      default: return nil
      }
      previous = byte
    }
    self.text = lower
  }

  public static func < (a: CellName, b: CellName) -> Bool { a.text < b.text }
  public var description: String { text }
}
