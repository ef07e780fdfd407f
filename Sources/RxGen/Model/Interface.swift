/// An interface file together with everything it imports: names have meanings, sizes are known.
struct Interface: Sendable {
  let file: InterfaceFile
  private var constants: [String: Int64] = [:]
  private var types: [String: ResolvedType] = [:]

  /// - Parameter load: the parsed file behind the name in an `import`.
  init(
    _ file: InterfaceFile, load: (InterfaceFile.Import) throws(RxGenError) -> InterfaceFile
  ) throws(RxGenError) {
    self.file = file
    var seen: Set<String> = [file.name]
    try include(file, &seen, load)
    try checkServices()
  }

  private mutating func include(
    _ file: InterfaceFile, _ seen: inout Set<String>,
    _ load: (InterfaceFile.Import) throws(RxGenError) -> InterfaceFile
  ) throws(RxGenError) {
    for imported in file.imports where seen.insert(imported.file).inserted {
      try include(try load(imported), &seen, load)
    }
    for constant in file.constants {
      guard constants[constant.name] == nil else {
        throw RxGenError(file: file.name, line: constant.line, message: "'\(constant.name)' is declared twice")
      }
      constants[constant.name] = try number(constant.value, file, constant.line)
    }
    for extern in file.externs {
      let size = Int(try number(extern.size, file, extern.line))
      let type = ResolvedType.Named(name: extern.name, sizeMin: size, sizeMax: size, module: extern.module)
      try define(extern.name, .named(type), file, extern.line)
    }
    for enumeration in file.enums {
      let type = ResolvedType.Named(
        name: enumeration.name, sizeMin: 4, sizeMax: 4, zero: "\(enumeration.name)(rawValue: 0)")
      try define(enumeration.name, .named(type), file, enumeration.line)
    }
    try defineInOrder(file)
  }

  /// Structs and typedefs may name each other when the named one stands above.
  private mutating func defineInOrder(_ file: InterfaceFile) throws(RxGenError) {
    let typedefs = file.typedefs.map {
      (line: $0.declaration.line, typedef: Typedef?.some($0), structure: Structure?.none)
    }
    let structs = file.structs.map { (line: $0.line, typedef: Typedef?.none, structure: Structure?.some($0)) }
    let ordered = (typedefs + structs).sorted { $0.line < $1.line }
    for item in ordered {
      if let typedef = item.typedef {
        try define(typedef.declaration.name, try resolve(typedef.declaration, in: file), file, item.line)
      }
      if let structure = item.structure {
        var type = ResolvedType.Named(name: structure.name, sizeMin: 0, sizeMax: 0, zero: "\(structure.name)()")
        for field in structure.fields {
          let fieldType = try resolve(field, in: file)
          type.sizeMin += fieldType.sizeMin
          type.sizeMax += fieldType.sizeMax
          if fieldType.swiftZero == nil { type.zero = nil }
        }
        try define(structure.name, .named(type), file, item.line)
      }
    }
  }

  private mutating func define(
    _ name: String, _ type: ResolvedType, _ file: InterfaceFile, _ line: Int
  ) throws(RxGenError) {
    guard types[name] == nil, ResolvedType.Primitive(rawValue: name) == nil else {
      throw RxGenError(file: file.name, line: line, message: "'\(name)' is declared twice")
    }
    types[name] = type
  }

  private func checkServices() throws(RxGenError) {
    for service in file.services {
      let id = try number(service.id, file, service.line)
      guard UInt16(exactly: id) != nil else {
        throw RxGenError(file: file.name, line: service.line, message: "\(id) is no service number")
      }
      var opcodes: [Int64: String] = [:]
      for procedure in service.procedures {
        let opcode = try number(procedure.opcode, file, procedure.line)
        guard UInt32(exactly: opcode) != nil else {
          throw RxGenError(file: file.name, line: procedure.line, message: "\(opcode) is no opcode")
        }
        if let other = opcodes.updateValue(procedure.name, forKey: opcode) {
          throw RxGenError(
            file: file.name, line: procedure.line, message: "\(procedure.name) has the opcode of \(other)")
        }
        if case .bulkOut(let prefix) = procedure.split, !["uint32", "uint64"].contains(prefix) {
          throw RxGenError(file: file.name, line: procedure.line, message: "a prefix is uint32 or uint64")
        }
      }
    }
  }

  // MARK: Meanings

  func number(_ value: Value) throws(RxGenError) -> Int64 { try number(value, file, 0) }

  func resolve(_ declaration: Declaration) throws(RxGenError) -> ResolvedType {
    try resolve(declaration, in: file)
  }

  private func number(_ value: Value, _ file: InterfaceFile, _ line: Int) throws(RxGenError) -> Int64 {
    switch value {
    case .number(let number): return number
    case .name(let name):
      guard let number = constants[name] else {
        throw RxGenError(file: file.name, line: line, message: "no constant '\(name)'")
      }
      return number
    }
  }

  private func resolve(_ declaration: Declaration, in file: InterfaceFile) throws(RxGenError) -> ResolvedType {
    func error(_ message: String) -> RxGenError {
      RxGenError(file: file.name, line: declaration.line, message: message)
    }
    func count(_ value: Value) throws(RxGenError) -> Int {
      let number = try number(value, file, declaration.line)
      guard 1...0x100_0000 ~= number else { throw error("a length of \(number)") }
      return Int(number)
    }
    switch (declaration.type, declaration.bound) {
    case ("opaque", .fixed(let value)): return .fixedOpaque(try count(value))
    case ("opaque", .variable(let value)): return .opaque(max: try count(value))
    case ("string", .variable(let value)): return .string(max: try count(value))
    case ("char", .fixed(let value)): return .chars(try count(value))
    case ("opaque", _), ("string", _): throw error("\(declaration.type) without its length")
    default: break
    }
    let element = try type(declaration.type, or: error("no type '\(declaration.type)'"))
    switch declaration.bound {
    case .single: return element
    case .fixed(let value):
      try checkElement(element, or: error("'\(declaration.type)' cannot be an array's element"))
      guard element.sizeMin == element.sizeMax else { throw error("a fixed array needs elements of one size") }
      return .fixedArray(of: element, count: try count(value))
    case .variable(let value):
      try checkElement(element, or: error("'\(declaration.type)' cannot be an array's element"))
      return .array(of: element, max: try count(value))
    }
  }

  private func type(_ name: String, or error: RxGenError) throws(RxGenError) -> ResolvedType {
    if let primitive = ResolvedType.Primitive(rawValue: name) { return .primitive(primitive) }
    guard let type = types[name] else { throw error }
    return type
  }

  private func checkElement(_ type: ResolvedType, or error: RxGenError) throws(RxGenError) {
    switch type {
    case .primitive(let primitive) where primitive.isElement: return
    case .named(let named) where named.sizeMin > 0: return
    default: throw error
    }
  }
}
