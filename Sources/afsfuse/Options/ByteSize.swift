import ArgumentParser

/// A size as people write it: `500M`, `10G`, `1.5T`; multiples of 1024.
struct ByteSize: Hashable, Sendable, ExpressibleByArgument, CustomStringConvertible {
  let bytes: UInt64

  init(bytes: UInt64) {
    self.bytes = bytes
  }

  init?(argument: String) {
    var text = Substring(argument.uppercased())
    if text.hasSuffix("IB") { text = text.dropLast(2) } else if text.hasSuffix("B") { text = text.dropLast() }
    var unit: Double = 1
    if let last = text.last, let exponent = "KMGT".firstIndex(of: last) {
      for _ in 0...("KMGT".distance(from: "KMGT".startIndex, to: exponent)) { unit *= 1024 }
      text = text.dropLast()
    }
    guard !text.isEmpty, text.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let number = Double(text)
    else { return nil }
    let bytes = number * unit
    guard bytes >= 0, bytes < 0x1p63 else { return nil }
    self.bytes = UInt64(bytes)
  }

  var description: String {
    var value = bytes
    for unit in ["", "K", "M", "G"] {
      if value < 1024 || value % 1024 != 0 { return "\(value)\(unit)" }
      value /= 1024
    }
    return "\(value)T"
  }

  var defaultValueDescription: String { description }
}
