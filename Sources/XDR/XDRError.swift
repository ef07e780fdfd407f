/// Why bytes are not the XDR form of a value, or a value has none (RFC 4506).
package struct XDRError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was being read or written.
  package enum Kind: String, Hashable, Sendable {
    case bool
    case int16
    case int32
    case int64
    case uint16
    case uint32
    case uint64
    case char
    case opaque
    case string
    case array
    case message
  }

  package enum Reason: Hashable, Sendable {
    /// The bytes end before the value does: this many more are needed at least.
    case truncated(missing: Int)
    /// A length above the interface's limit.
    case tooLong(count: Int, max: Int)
    /// A value outside the type's range.
    case badValue(Int64)
    /// Bytes are left after the last field.
    case trailingBytes(count: Int)
  }

  package var reason: Reason
  package var kind: Kind
  /// The field's name in the interface file.
  package var field: String
  /// Where the value begins (for trailing bytes: where they begin), counted from the message's first byte.
  package var offset: Int

  package init(_ reason: Reason, kind: Kind, field: String, offset: Int) {
    self.reason = reason
    self.kind = kind
    self.field = field
    self.offset = offset
  }

  package var description: String {
    let what =
      switch reason {
      case .truncated(let missing): "truncated, \(missing) bytes missing"
      case .tooLong(let count, let max): "length \(count) above the limit \(max)"
      case .badValue(let value): "impossible value \(value)"
      case .trailingBytes(let count): "\(count) bytes left over"
      }
    return "\(field) (\(kind.rawValue)) at byte \(offset): \(what)"
  }
}
