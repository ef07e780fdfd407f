import AFSTypes
import Testing

@testable import AFSMockServer

@Suite struct FaultPlanTests {
  @Test("A rule lets the first calls pass, strikes as often as it says, then is spent")
  func nthCall() {
    var plan = FaultPlan()
    plan.add(.init(operation: "FetchStatus", skip: 2, times: 1, fault: .abort(.vBusy)))
    let struck = (0..<5).map { _ in plan.fault(operation: "FetchStatus", server: 0, volume: nil) }
    #expect(struck == [nil, nil, .abort(.vBusy), nil, nil])
  }

  @Test("A rule strikes only its operation, server and volume")
  func scope() {
    var plan = FaultPlan()
    plan.add(.init(operation: "Rename", server: 1, volume: VolumeID(5), times: nil, fault: .abort(.vOffline)))
    #expect(plan.fault(operation: "Rename", server: 0, volume: VolumeID(5)) == nil)
    #expect(plan.fault(operation: "Link", server: 1, volume: VolumeID(5)) == nil)
    #expect(plan.fault(operation: "Rename", server: 1, volume: VolumeID(6)) == nil)
    #expect(plan.fault(operation: "Rename", server: 1, volume: VolumeID(5)) == .abort(.vOffline))
  }
}
