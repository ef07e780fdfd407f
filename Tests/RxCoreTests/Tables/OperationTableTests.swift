import AFSBase
import AFSTypes
import Testing

@testable import RxCore

@Suite struct OperationTableTests {
  private func measure(_ code: UInt32, _ milliseconds: Int, _ completion: RxCompletion) -> CallMeasure {
    var measure = CallMeasure(startedAt: .zero)
    withUnsafeBytes(of: code.bigEndian) { measure.wrote($0, isClient: true) }
    measure.endedAt = .zero + .milliseconds(milliseconds)
    measure.completion = completion
    return measure
  }

  @Test("Calls are counted by their first word, with their codes, bytes and times")
  func counts() throws {
    var table = OperationTable()
    table.record(measure(130, 2, .success), service: ServiceID(1), isOutgoing: true)
    table.record(measure(130, 4, .failure(.aborted(AbortCode(110)))), service: ServiceID(1), isOutgoing: true)
    table.record(measure(130, 6, .failure(.timedOut(.dead))), service: ServiceID(1), isOutgoing: true)
    table.record(measure(130, 6, .success), service: ServiceID(1), isOutgoing: false)
    #expect(table.counts.count == 2)
    let counts = try #require(table.counts[RxOperation(service: ServiceID(1), code: 130, isOutgoing: true)])
    #expect(counts.calls == 3 && counts.bytesSent == 12 && counts.otherFailures == 1)
    #expect(counts.aborts == [AbortCode(110): 1])
    #expect(counts.latency.mean == .milliseconds(4))
  }

  @Test("A peer that makes up operations and codes cannot make the table grow")
  func bounds() {
    var table = OperationTable()
    for code in 0..<2000 as Range<UInt32> {
      table.record(measure(code, 1, .success), service: ServiceID(1), isOutgoing: false)
      table.record(
        measure(7, 1, .failure(.aborted(AbortCode(Int32(code))))), service: ServiceID(1), isOutgoing: false)
    }
    #expect(table.counts.count <= OperationTable.operationsMax + 1)
    #expect(table.counts.values.map(\.calls).reduce(0, +) == 4000)
    let seven = table.counts[RxOperation(service: ServiceID(1), code: 7, isOutgoing: false)]!
    #expect(seven.aborts.count == RxOperationCounts.codesMax)
    #expect(seven.aborts.values.reduce(0, +) + seven.otherFailures == 2000)
  }

  @Test("Only what a client writes first, or a server reads first, is taken for the operation")
  func code() {
    var measure = CallMeasure(startedAt: .zero)
    withUnsafeBytes(of: UInt32(1).bigEndian) { measure.read($0, isClient: true) }
    #expect(measure.code == nil)
    withUnsafeBytes(of: UInt32(2).bigEndian) { measure.wrote($0, isClient: true) }
    withUnsafeBytes(of: UInt32(3).bigEndian) { measure.wrote($0, isClient: true) }
    #expect(measure.code == 2 && measure.bytesSent == 8 && measure.bytesReceived == 4)
  }
}
