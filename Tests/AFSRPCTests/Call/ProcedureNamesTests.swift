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
}
