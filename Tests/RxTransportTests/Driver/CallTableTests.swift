import RxCore
import Testing

@testable import RxTransport

@Suite struct CallTableTests {
  private final class Call: DrivenCall {
    func becameReadable(_ driver: RxEndpointDriver) {}
    func becameWritable(_ driver: RxEndpointDriver) {}
    func completed(_ completion: RxCompletion, _ driver: RxEndpointDriver) {}
  }

  private func handle(_ place: UInt64, generation: UInt64 = 1) -> RxCallHandle {
    RxCallHandle(rawValue: generation << 32 | place)
  }

  @Test("A call is found by its handle only, not by one that had its place before or has it later")
  func generations() {
    var table = CallTable()
    let (first, second) = (Call(), Call())
    table[handle(3)] = first
    #expect(table[handle(3)] === first)
    #expect(table[handle(3, generation: 2)] == nil)
    #expect(table[handle(2)] == nil)
    #expect(table[handle(4000)] == nil)
    table[handle(3)] = nil
    table[handle(3, generation: 2)] = second
    #expect(table[handle(3)] == nil)
    // An old handle takes nothing away.
    table[handle(3)] = nil
    #expect(table[handle(3, generation: 2)] === second)
    #expect(table.count == 1)
  }

  @Test("The table counts and lists the calls that it has")
  func counts() {
    var table = CallTable()
    for place in 0..<10 { table[handle(UInt64(place))] = Call() }
    table[handle(9)] = Call()
    for place in 0..<4 { table[handle(UInt64(place))] = nil }
    #expect(table.count == 6)
    #expect(table.calls.count == 6)
  }
}
