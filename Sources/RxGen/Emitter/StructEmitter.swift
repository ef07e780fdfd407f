/// Emits a struct with its XDR form.
struct StructEmitter {
  let interface: Interface

  /// - Parameter defaults: whether the initializer's parameters may be left out.
  func emit(
    _ name: String, _ fields: [Declaration], documentation: [String], defaults: Bool, to writer: inout SwiftWriter
  ) throws(RxGenError) {
    var types: [(field: Declaration, type: ResolvedType)] = []
    for field in fields { types.append((field, try interface.resolve(field))) }
    writer.documentation(documentation)
    try writer.block("package struct \(name): XDRCodable") { (writer) throws(RxGenError) in
      let sizeMin = types.reduce(0) { $0 + $1.type.sizeMin }
      let sizeMax = types.reduce(0) { $0 + $1.type.sizeMax }
      writer.line("package static let xdrSizeMin = \(SwiftNames.number(sizeMin))")
      writer.line("package static let xdrSizeMax = \(SwiftNames.number(sizeMax))")
      writer.line()
      for (field, type) in types {
        writer.documentation(field.documentation)
        writer.line("package var \(SwiftNames.quoted(field.name)): \(type.swiftName)")
      }
      writer.line()
      initializer(types, defaults: defaults, to: &writer)
      writer.line()
      try writer.block("package init(from decoder: inout XDRDecoder) throws(XDRError)") { (writer) throws(RxGenError) in
        for (field, type) in types {
          writer.line("\(SwiftNames.quoted(field.name)) = try \(decoding(field.name, type))")
        }
      }
      writer.line()
      try writer.block("package func encode(to encoder: inout XDREncoder) throws(XDRError)") {
        (writer) throws(RxGenError) in
        for (field, type) in types { writer.line(encoding(field.name, type)) }
      }
    }
  }

  private func initializer(
    _ types: [(field: Declaration, type: ResolvedType)], defaults: Bool, to writer: inout SwiftWriter
  ) {
    var parameters: [String] = []
    for (field, type) in types {
      let parameter = "\(SwiftNames.quoted(field.name)): \(type.swiftName)"
      let zero = defaults ? type.swiftZero : nil
      parameters.append(zero.map { "\(parameter) = \($0)" } ?? parameter)
    }
    writer.list("package init", parameters, " {")
    for (field, _) in types { writer.line("  self.\(field.name) = \(SwiftNames.quoted(field.name))") }
    writer.line("}")
  }

  private func decoding(_ name: String, _ type: ResolvedType) -> String {
    switch type {
    case .primitive(let primitive): "decoder.\(primitive.rawValue)(\"\(name)\")"
    case .named(let named): "\(named.name)(from: &decoder)"
    case .fixedOpaque(let count): "decoder.opaque(\"\(name)\", count: \(count))"
    case .opaque(let max): "decoder.opaque(\"\(name)\", max: \(max))"
    case .string(let max): "decoder.string(\"\(name)\", max: \(max))"
    case .chars(let count): "decoder.chars(\"\(name)\", count: \(count))"
    case .fixedArray(_, let count): "decoder.fixedArray(\"\(name)\", count: \(count))"
    case .array(_, let max): "decoder.array(\"\(name)\", max: \(max))"
    }
  }

  private func encoding(_ name: String, _ type: ResolvedType) -> String {
    let value = SwiftNames.quoted(name)
    return switch type {
    case .primitive(let primitive): "encoder.\(primitive.rawValue)(\(value))"
    case .named: "try \(value).encode(to: &encoder)"
    case .fixedOpaque(let count): "try encoder.opaque(\"\(name)\", \(value), count: \(count))"
    case .opaque(let max): "try encoder.opaque(\"\(name)\", \(value), max: \(max))"
    case .string(let max): "try encoder.string(\"\(name)\", \(value), max: \(max))"
    case .chars(let count): "try encoder.chars(\"\(name)\", \(value), count: \(count))"
    case .fixedArray(_, let count): "try encoder.fixedArray(\"\(name)\", \(value), count: \(count))"
    case .array(_, let max): "try encoder.array(\"\(name)\", \(value), max: \(max))"
    }
  }
}
