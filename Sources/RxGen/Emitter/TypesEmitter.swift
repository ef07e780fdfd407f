/// Emits a file's constants, enums, structs and typedefs.
struct TypesEmitter {
  let interface: Interface

  func emit(_ stem: String, to writer: inout SwiftWriter) throws(RxGenError) {
    let file = interface.file
    if !file.constants.isEmpty {
      writer.line()
      writer.line("/// Constants of \(file.name).")
      try writer.block("package enum \(stem)Constants") { (writer) throws(RxGenError) in
        for constant in file.constants {
          writer.documentation(constant.documentation)
          let number = SwiftNames.number(try interface.number(constant.value))
          writer.line("package static let \(constant.name) = \(number)")
        }
      }
    }
    for typedef in file.typedefs {
      writer.line()
      writer.documentation(typedef.documentation)
      let type = try interface.resolve(typedef.declaration)
      writer.line("package typealias \(typedef.declaration.name) = \(type.swiftName)")
    }
    for enumeration in file.enums { try emit(enumeration, to: &writer) }
    for structure in file.structs {
      writer.line()
      try StructEmitter(interface: interface).emit(
        structure.name, structure.fields, documentation: structure.documentation, defaults: true, to: &writer)
    }
  }

  /// Enums stay open: a peer may know values that we do not.
  private func emit(_ enumeration: Enumeration, to writer: inout SwiftWriter) throws(RxGenError) {
    let name = enumeration.name
    writer.line()
    writer.documentation(enumeration.documentation)
    try writer.block("package struct \(name): XDRCodable, RawRepresentable") { (writer) throws(RxGenError) in
      for item in enumeration.cases {
        writer.documentation(item.documentation)
        let value = try interface.number(item.value)
        writer.line("package static let \(SwiftNames.quoted(item.name)) = \(name)(rawValue: \(value))")
      }
      writer.line()
      writer.line("package static let xdrSizeMin = 4")
      writer.line("package static let xdrSizeMax = 4")
      writer.line()
      writer.line("package var rawValue: UInt32")
      writer.line()
      writer.line("package init(rawValue: UInt32) { self.rawValue = rawValue }")
      writer.line()
      try writer.block("package init(from decoder: inout XDRDecoder) throws(XDRError)") { (writer) throws(RxGenError) in
        writer.line("rawValue = try decoder.uint32(\"\(name)\")")
      }
      writer.line()
      try writer.block("package func encode(to encoder: inout XDREncoder) throws(XDRError)") {
        (writer) throws(RxGenError) in
        writer.line("encoder.uint32(rawValue)")
      }
    }
  }
}
