/// Emits a service's client: a struct with one method for each procedure.
struct ClientEmitter {
  let interface: Interface

  func emit(_ service: Service, to writer: inout SwiftWriter) throws(RxGenError) {
    let name = service.name
    writer.line()
    writer.line("/// Calls \(name) at one server.")
    try writer.block("package struct \(name)Client: Sendable") { (writer) throws(RxGenError) in
      writer.line("package var caller: any RxCaller")
      writer.line("package var target: RxTarget")
      writer.line("package var options: RxCallOptions")
      writer.line()
      writer.line("package init(caller: any RxCaller, target: RxTarget, options: RxCallOptions = RxCallOptions()) {")
      writer.line("  self.caller = caller")
      writer.line("  self.target = target")
      writer.line("  self.options = options")
      writer.line("}")
      writer.line()
      writer.line("/// The service at `peer`.")
      writer.list(
        "package init",
        [
          "caller: any RxCaller", "peer: RxAddress", "security: RxClientSecurityReference = .none",
          "options: RxCallOptions = RxCallOptions()",
        ], " {")
      writer.line("  target = RxTarget(peer: peer, service: \(name).serviceID, security: security)")
      writer.line("  self.caller = caller")
      writer.line("  self.options = options")
      writer.line("}")
      for procedure in service.procedures {
        writer.line()
        writer.documentation(procedure.documentation)
        try emit(procedure, of: name, to: &writer)
      }
    }
  }

  private func emit(_ procedure: Procedure, of service: String, to writer: inout SwiftWriter) throws(RxGenError) {
    var parameters: [String] = []
    for argument in procedure.arguments {
      parameters.append("\(argument.name): \(try interface.resolve(argument).swiftName)")
    }
    let type = "\(service).\(procedure.name)"
    let values = procedure.arguments.map(Self.labelled).joined(separator: ", ")
    let arguments = "\(type).Arguments(\(values))"
    let isLong = arguments.count > 80
    let operands = [
      "\(type).self", isLong ? "arguments" : ".init(\(values))", "to: self.target", "options: self.options",
    ]
    func prepare() {
      if isLong { writer.list("  let arguments = \(type).Arguments", procedure.arguments.map(Self.labelled), "") }
    }
    switch procedure.split {
    case .bulkIn, .bulkOut:
      let (result, method) =
        procedure.split == .bulkIn ? ("RxStoreCall<\(type)>", "startStore") : ("RxFetchCall<\(type)>", "startFetch")
      writer.list(
        "package func \(SwiftNames.starter(procedure.name))", parameters, " async throws(RxCallError) -> \(result) {")
      prepare()
      writer.list("  \(isLong ? "return " : "")try await self.caller.\(method)", operands, "")
    case .none:
      let result = try interface.resultType(procedure, service: service)
      writer.list(
        "package func \(SwiftNames.method(procedure.name))", parameters,
        " async throws(RxCallError)\(result.map { " -> " + $0 } ?? "") {")
      let single = procedure.results.count == 1 ? "." + SwiftNames.quoted(procedure.results[0].name) : ""
      prepare()
      let opening = result == nil ? "_ = " : isLong ? "return " : ""
      writer.list("  \(opening)try await self.caller.call", operands, single)
    }
    writer.line("}")
  }
}

extension ClientEmitter {
  private static func labelled(_ argument: Declaration) -> String {
    "\(argument.name): \(SwiftNames.quoted(argument.name))"
  }
}

extension Interface {
  /// What client methods and handlers return: nothing, the only result, or all of them in a struct.
  func resultType(_ procedure: Procedure, service: String) throws(RxGenError) -> String? {
    switch procedure.results.count {
    case 0: nil
    case 1: try resolve(procedure.results[0]).swiftName
    default: "\(service).\(procedure.name).Results"
    }
  }
}
