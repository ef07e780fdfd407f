/// Emits a service's name space: its number, and for each procedure opcode, arguments and results.
struct ProceduresEmitter {
  let interface: Interface

  func emit(_ service: Service, to writer: inout SwiftWriter) throws(RxGenError) {
    writer.line()
    writer.documentation(service.documentation)
    try writer.block("package enum \(service.name)") { (writer) throws(RxGenError) in
      writer.line("package static let serviceID = ServiceID(\(try interface.number(service.id)))")
    }
    for procedure in service.procedures {
      writer.line()
      try writer.block("extension \(service.name)") { (writer) throws(RxGenError) in
        try emit(procedure, to: &writer)
      }
    }
  }

  private func emit(_ procedure: Procedure, to writer: inout SwiftWriter) throws(RxGenError) {
    writer.documentation(procedure.documentation)
    let kind =
      switch procedure.split {
      case .none: "RxProcedure"
      case .bulkIn: "RxStoreProcedure"
      case .bulkOut: "RxFetchProcedure"
      }
    try writer.block("package enum \(procedure.name): \(kind)") { (writer) throws(RxGenError) in
      writer.line("package static let name = \"\(procedure.name)\"")
      writer.line("package static let opcode: UInt32 = \(try interface.number(procedure.opcode))")
      if case .bulkOut(let prefix) = procedure.split {
        writer.line("package typealias LengthPrefix = \(prefix == "uint64" ? "UInt64" : "UInt32")")
      }
      try emit("Arguments", procedure.arguments, to: &writer)
      try emit("Results", procedure.results, to: &writer)
    }
  }

  private func emit(_ name: String, _ fields: [Declaration], to writer: inout SwiftWriter) throws(RxGenError) {
    if fields.isEmpty {
      writer.line("package typealias \(name) = XDRVoid")
      return
    }
    writer.line()
    try StructEmitter(interface: interface).emit(name, fields, documentation: [], defaults: false, to: &writer)
  }
}
