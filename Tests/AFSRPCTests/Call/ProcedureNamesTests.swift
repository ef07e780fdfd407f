import Foundation
import RxCore
import Testing

@testable import AFSRPC

@Suite struct ProcedureNamesTests {
  @Test("Code 65538 of service 1 is StoreData64 at a fileserver and TellMeAboutYourself at a cache manager")
  func sharedCode() {
    #expect(ProcedureNames.name(service: 1, code: 65538, isOutgoing: true) == "RXAFS.StoreData64")
    #expect(ProcedureNames.name(service: 1, code: 65538, isOutgoing: false) == "RXAFSCB.TellMeAboutYourself")
    #expect(ProcedureNames.name(service: 52, code: 527, isOutgoing: true) == "VL.GetEntryByNameU")
    #expect(ProcedureNames.name(service: 1, code: 1, isOutgoing: true) == nil)
  }

  private struct Procedure: Hashable {
    var interface: String
    var service: UInt16
    var code: UInt32
    var name: String
  }

  /// What the generated files define: `package enum NAME`, then its name and opcode.
  private static func generated() throws -> [Procedure] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let services: [(String, ServiceID)] = [
      ("PR", PR.serviceID), ("RXAFS", RXAFS.serviceID), ("RXAFSCB", RXAFSCB.serviceID), ("VL", VL.serviceID),
    ]
    let folder = root.appending(path: "Sources/AFSRPC/Generated")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
      $0.hasSuffix("Procedures.swift")
    }
    #expect(Set(files) == Set(services.map { "\($0.0)Procedures.swift" }))
    return try services.flatMap { interface, service in
      let text = try String(contentsOf: folder.appending(path: "\(interface)Procedures.swift"), encoding: .utf8)
      let pattern = /package static let name = "(\w+)"\s+package static let opcode: UInt32 = (\d+)/
      return text.matches(of: pattern).map {
        Procedure(interface: interface, service: service.rawValue, code: UInt32($0.2)!, name: String($0.1))
      }
    }
  }

  @Test("Every procedure of the interfaces has its name here, and none is left of those that are gone")
  func complete() throws {
    let generated = try Self.generated()
    #expect(generated.count > 50)
    let listed = ProcedureNames.all.map { Procedure(interface: $0.0, service: $0.1, code: $0.2, name: $0.3) }
    #expect(Set(listed).count == listed.count)
    #expect(Set(generated).subtracting(listed).map(\.name) == [])
    #expect(Set(listed).subtracting(generated).map(\.name) == [])
  }
}
