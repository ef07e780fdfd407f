/// Recursive descent over the grammar in Docs/protocol-notes.md, "Interface files".
struct Parser {
  private let file: String
  private let tokens: [Token]
  private var position = 0

  /// Parses one file; imports are only noted.
  static func parse(file: String, text: String) throws(RxGenError) -> InterfaceFile {
    var parser = Parser(file: file, tokens: try Lexer.tokens(file: file, text: text))
    return try parser.interfaceFile()
  }

  private init(file: String, tokens: [Token]) {
    self.file = file
    self.tokens = tokens
  }

  private mutating func interfaceFile() throws(RxGenError) -> InterfaceFile {
    var result = InterfaceFile(name: file)
    while current.kind != .endOfFile {
      let start = current
      switch try identifier("a declaration") {
      case "import": result.imports.append(try importDeclaration(start))
      case "const": result.constants.append(try constant(start))
      case "extern": result.externs.append(try extern(start))
      case "typedef":
        result.typedefs.append(Typedef(declaration: try declaration(), documentation: start.documentation))
      case "enum": result.enums.append(try enumeration(start))
      case "struct": result.structs.append(try structure(start))
      case "service": result.services.append(try service(start))
      case let word: throw error("'\(word)' begins no declaration", at: start)
      }
      try expect(";")
    }
    return result
  }

  // MARK: Declarations

  private mutating func importDeclaration(_ start: Token) throws(RxGenError) -> InterfaceFile.Import {
    guard case .string(let name) = current.kind else { throw unexpected("a file name") }
    position += 1
    return InterfaceFile.Import(file: name, line: start.line)
  }

  private mutating func constant(_ start: Token) throws(RxGenError) -> Constant {
    let name = try identifier("a name")
    try expect("=")
    return Constant(name: name, value: try value(), line: start.line, documentation: start.documentation)
  }

  private mutating func extern(_ start: Token) throws(RxGenError) -> Extern {
    let name = try identifier("a type name")
    try expectWord("from")
    let module = try identifier("a module name")
    try expectWord("size")
    return Extern(name: name, module: module, size: try value(), line: start.line)
  }

  private mutating func enumeration(_ start: Token) throws(RxGenError) -> Enumeration {
    let name = try identifier("a type name")
    var cases: [Enumeration.Case] = []
    try expect("{")
    repeat {
      let documentation = current.documentation
      let caseName = try identifier("a name")
      try expect("=")
      cases.append(Enumeration.Case(name: caseName, value: try value(), documentation: documentation))
    } while take(",")
    try expect("}")
    return Enumeration(name: name, cases: cases, line: start.line, documentation: start.documentation)
  }

  private mutating func structure(_ start: Token) throws(RxGenError) -> Structure {
    let name = try identifier("a type name")
    var fields: [Declaration] = []
    try expect("{")
    while !take("}") {
      fields.append(try declaration())
      try expect(";")
    }
    return Structure(name: name, fields: fields, line: start.line, documentation: start.documentation)
  }

  private mutating func declaration() throws(RxGenError) -> Declaration {
    let start = current
    let type = try identifier("a type")
    let name = try identifier("a name")
    var bound = Declaration.Bound.single
    if take("[") {
      bound = .fixed(try value())
      try expect("]")
    } else if take("<") {
      bound = .variable(try value())
      try expect(">")
    }
    return Declaration(
      type: type, name: name, bound: bound, line: start.line, documentation: start.documentation)
  }

  private mutating func service(_ start: Token) throws(RxGenError) -> Service {
    let name = try identifier("a service name")
    let id = try value()
    var procedures: [Procedure] = []
    try expect("{")
    while !take("}") {
      procedures.append(try procedure())
      try expect(";")
    }
    return Service(
      name: name, id: id, procedures: procedures, line: start.line, documentation: start.documentation)
  }

  private mutating func procedure() throws(RxGenError) -> Procedure {
    let start = current
    try expectWord("procedure")
    let name = try identifier("a procedure name")
    let (arguments, results) = try parameters()
    try expect("=")
    let opcode = try value()
    return Procedure(
      name: name, arguments: arguments, results: results, opcode: opcode, split: try split(), line: start.line,
      documentation: start.documentation)
  }

  private mutating func parameters() throws(RxGenError) -> (arguments: [Declaration], results: [Declaration]) {
    var arguments: [Declaration] = []
    var results: [Declaration] = []
    try expect("(")
    if take(")") { return ([], []) }
    repeat {
      let direction = current
      switch try identifier("'in' or 'out'") {
      case "in": arguments.append(try declaration())
      case "out": results.append(try declaration())
      default: throw error("a parameter begins with 'in' or 'out'", at: direction)
      }
    } while take(",")
    try expect(")")
    return (arguments, results)
  }

  private mutating func split() throws(RxGenError) -> Procedure.Split {
    guard current.kind == .identifier("split") else { return .none }
    position += 1
    let direction = current
    switch try identifier("'in' or 'out'") {
    case "in": return .bulkIn
    case "out":
      try expectWord("prefix")
      return .bulkOut(prefix: try identifier("a number type"))
    default: throw error("'split' is followed by 'in' or 'out'", at: direction)
    }
  }

  // MARK: Tokens

  private var current: Token { tokens[position] }

  private mutating func identifier(_ what: String) throws(RxGenError) -> String {
    guard case .identifier(let name) = current.kind else { throw unexpected(what) }
    position += 1
    return name
  }

  private mutating func value() throws(RxGenError) -> Value {
    switch current.kind {
    case .number(let number):
      position += 1
      return .number(number)
    case .identifier(let name):
      position += 1
      return .name(name)
    default: throw unexpected("a number or a constant")
    }
  }

  private mutating func take(_ character: Character) -> Bool {
    guard current.kind == .punctuation(character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Character) throws(RxGenError) {
    if !take(character) { throw unexpected("'\(character)'") }
  }

  private mutating func expectWord(_ word: String) throws(RxGenError) {
    guard current.kind == .identifier(word) else { throw unexpected("'\(word)'") }
    position += 1
  }

  private func unexpected(_ wanted: String) -> RxGenError {
    error("\(wanted) expected, found '\(current.text)'", at: current)
  }

  private func error(_ message: String, at token: Token) -> RxGenError {
    RxGenError(file: file, line: token.line, message: message)
  }
}
