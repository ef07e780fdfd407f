/// Emits a service's server side: the protocol that a handler implements, and the dispatcher which feeds it.
struct ServerEmitter {
  let interface: Interface

  func emit(_ service: Service, to writer: inout SwiftWriter) throws(RxGenError) {
    let name = service.name
    writer.line()
    writer.line("/// Answers calls of \(name). What a handler leaves out is refused with RXGEN_OPCODE.")
    try writer.block("package protocol \(name)Service: Sendable") { (writer) throws(RxGenError) in
      for procedure in service.procedures {
        writer.documentation(procedure.documentation)
        try signature(procedure, of: name, prefix: "", suffix: "", to: &writer)
      }
    }
    writer.line()
    try writer.block("extension \(name)Service") { (writer) throws(RxGenError) in
      for (index, procedure) in service.procedures.enumerated() {
        if index > 0 { writer.line() }
        try signature(procedure, of: name, prefix: "package ", suffix: " {", to: &writer)
        writer.line("  throw .rxgenOpcode")
        writer.line("}")
      }
    }
    writer.line()
    try dispatcher(service, to: &writer)
  }

  private func signature(
    _ procedure: Procedure, of service: String, prefix: String, suffix: String, to writer: inout SwiftWriter
  ) throws(RxGenError) {
    var parameters: [String] = []
    if !procedure.arguments.isEmpty { parameters.append("_ arguments: \(service).\(procedure.name).Arguments") }
    switch procedure.split {
    case .none: break
    case .bulkIn: parameters.append("data: RxBulkSource")
    case .bulkOut: parameters.append("data: RxBulkSink<\(service).\(procedure.name).LengthPrefix>")
    }
    parameters.append("from call: RxIncomingCall")
    let result = try interface.resultType(procedure, service: service)
    writer.list(
      "\(prefix)func \(SwiftNames.method(procedure.name))", parameters,
      " async throws(AbortCode)\(result.map { " -> " + $0 } ?? "")\(suffix)")
  }

  private func dispatcher(_ service: Service, to writer: inout SwiftWriter) throws(RxGenError) {
    let name = service.name
    writer.line("/// Serves \(name): reads opcode and arguments, asks the handler, sends results or abort code.")
    try writer.block("package struct \(name)Dispatcher<Handler: \(name)Service>: RxService") {
      (writer) throws(RxGenError) in
      writer.line("package let handler: Handler")
      writer.line()
      writer.line("package init(_ handler: Handler) { self.handler = handler }")
      writer.line()
      writer.line("package var id: ServiceID { \(name).serviceID }")
      writer.line("/// What a procedure has begun to change it changes to the end, though its caller has gone.")
      writer.line("package var cancelsHandlers: Bool { false }")
      writer.line()
      try writer.block("package func serve(_ stream: any RxStream, from call: RxIncomingCall) async") {
        (writer) throws(RxGenError) in
        writer.line("let server = RxServerCall(stream)")
        writer.line("switch await server.opcode() {")
        for procedure in service.procedures { try dispatch(procedure, of: name, to: &writer) }
        writer.line("case .some: server.refuse(.rxgenOpcode)")
        writer.line("case nil: break")
        writer.line("}")
      }
    }
  }

  private func dispatch(_ procedure: Procedure, of service: String, to writer: inout SwiftWriter) throws(RxGenError) {
    let type = "\(service).\(procedure.name)"
    var operands: [String] = []
    if !procedure.arguments.isEmpty { operands.append("arguments") }
    if procedure.split != .none { operands.append("data: data") }
    operands.append("from: call")
    let call = "try await handler.\(SwiftNames.method(procedure.name))(\(operands.joined(separator: ", ")))"
    let method =
      switch procedure.split {
      case .none: "serve"
      case .bulkIn: "serveStore"
      case .bulkOut: "serveFetch"
      }
    let first = procedure.arguments.isEmpty ? "_" : "arguments"
    let names = procedure.split == .none ? first : "\(first), data"
    writer.line("case \(type).opcode:")
    writer.line("  await server.\(method)(\(type).self) { (\(names)) async throws(AbortCode) in")
    switch procedure.results.count {
    case 0:
      writer.line("    \(call)")
      writer.line("    return XDRVoid()")
    case 1: writer.line("    .init(\(procedure.results[0].name): \(call))")
    default: writer.line("    \(call)")
    }
    writer.line("  }")
  }
}
