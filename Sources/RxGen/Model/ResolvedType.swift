/// The meaning of a declaration's type.
indirect enum ResolvedType: Hashable, Sendable {
  case primitive(Primitive)
  case named(Named)
  case fixedOpaque(Int)
  case opaque(max: Int)
  case string(max: Int)
  /// C characters in a word each.
  case chars(Int)
  case fixedArray(of: ResolvedType, count: Int)
  case array(of: ResolvedType, max: Int)

  /// A struct or an enum of an interface file, or an `extern`.
  struct Named: Hashable, Sendable {
    var name: String
    var sizeMin: Int
    var sizeMax: Int
    /// Of an `extern`: where it is declared.
    var module: String?
    /// The Swift expression for its zero value, if it has one.
    var zero: String?
  }

  enum Primitive: String, Hashable, Sendable {
    case bool
    case char
    case int16
    case int32
    case int64
    case uint16
    case uint32
    case uint64

    var size: Int { self == .int64 || self == .uint64 ? 8 : 4 }

    /// Whether the `XDR` target makes it an element of arrays.
    var isElement: Bool { [.int32, .int64, .uint32, .uint64].contains(self) }

    var swiftName: String {
      switch self {
      case .bool: "Bool"
      case .char: "UInt8"
      case .int16: "Int16"
      case .int32: "Int32"
      case .int64: "Int64"
      case .uint16: "UInt16"
      case .uint32: "UInt32"
      case .uint64: "UInt64"
      }
    }
  }

  var sizeMin: Int {
    switch self {
    case .primitive(let primitive): primitive.size
    case .named(let named): named.sizeMin
    case .fixedOpaque(let count): Self.padded(count)
    case .opaque, .string, .array: 4
    case .chars(let count): count * 4
    case .fixedArray(let element, let count): count * element.sizeMin
    }
  }

  var sizeMax: Int {
    switch self {
    case .primitive(let primitive): primitive.size
    case .named(let named): named.sizeMax
    case .fixedOpaque(let count): Self.padded(count)
    case .opaque(let max), .string(let max): 4 + Self.padded(max)
    case .chars(let count): count * 4
    case .fixedArray(let element, let count): count * element.sizeMax
    case .array(let element, let max): 4 + max * element.sizeMax
    }
  }

  var swiftName: String {
    switch self {
    case .primitive(let primitive): primitive.swiftName
    case .named(let named): named.name
    case .fixedOpaque, .opaque, .string, .chars: "[UInt8]"
    case .fixedArray(let element, _), .array(let element, _): "[\(element.swiftName)]"
    }
  }

  /// The value whose XDR form is all zeros, or shortest.
  var swiftZero: String? {
    switch self {
    case .primitive(.bool): "false"
    case .primitive: "0"
    case .named(let named): named.zero
    default: "[]"
    }
  }

  /// The module of an `extern` which the type needs.
  var module: String? {
    switch self {
    case .named(let named): named.module
    case .fixedArray(let element, _), .array(let element, _): element.module
    default: nil
    }
  }

  private static func padded(_ count: Int) -> Int { (count + 3) & ~3 }
}
