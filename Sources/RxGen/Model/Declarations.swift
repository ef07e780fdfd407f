/// A parsed interface file.
struct InterfaceFile: Hashable, Sendable {
  /// As named on the command line or in an `import`.
  var name: String
  var imports: [Import] = []
  var constants: [Constant] = []
  var externs: [Extern] = []
  var typedefs: [Typedef] = []
  var enums: [Enumeration] = []
  var structs: [Structure] = []
  var services: [Service] = []

  struct Import: Hashable, Sendable {
    var file: String
    var line: Int
  }
}

/// `const NAME = value;`
struct Constant: Hashable, Sendable {
  var name: String
  var value: Value
  var line: Int
  var documentation: [String]
}

/// A number, or the name of a constant.
enum Value: Hashable, Sendable {
  case number(Int64)
  case name(String)
}

/// `extern NAME from MODULE size N;`: a type whose XDR form of a fixed size is written by hand.
struct Extern: Hashable, Sendable {
  var name: String
  var module: String
  var size: Value
  var line: Int
}

/// `typedef declaration;`
struct Typedef: Hashable, Sendable {
  var declaration: Declaration
  var documentation: [String]
}

/// `enum NAME { CASE = value, ... };`: an open set of 32-bit values.
struct Enumeration: Hashable, Sendable {
  struct Case: Hashable, Sendable {
    var name: String
    var value: Value
    var documentation: [String]
  }
  var name: String
  var cases: [Case]
  var line: Int
  var documentation: [String]
}

/// `struct NAME { declarations };`
struct Structure: Hashable, Sendable {
  var name: String
  var fields: [Declaration]
  var line: Int
  var documentation: [String]
}

/// A type and a name, with a bound.
struct Declaration: Hashable, Sendable {
  enum Bound: Hashable, Sendable {
    case single
    /// `[n]`
    case fixed(Value)
    /// `<n>`
    case variable(Value)
  }
  var type: String
  var name: String
  var bound: Bound
  var line: Int
  var documentation: [String]
}

/// `service NAME id { procedures };`
struct Service: Hashable, Sendable {
  var name: String
  var id: Value
  var procedures: [Procedure]
  var line: Int
  var documentation: [String]
}

/// `procedure NAME(in ..., out ...) = opcode [split ...];`
struct Procedure: Hashable, Sendable {
  /// Bulk data in the call's stream, beside arguments and results.
  enum Split: Hashable, Sendable {
    case none
    /// The client sends data after the arguments.
    case bulkIn
    /// The server sends data before the results, its length first, as a number of this type.
    case bulkOut(prefix: String)
  }
  var name: String
  var arguments: [Declaration]
  var results: [Declaration]
  var opcode: Value
  var split: Split
  var line: Int
  var documentation: [String]
}
