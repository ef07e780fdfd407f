import AFSBase
import Testing

@testable import RxCore

@Suite struct ReorderingToleranceTests {
  private static func rtt(_ milliseconds: Int64) -> RTTEstimator {
    var rtt = RTTEstimator(initialTimeout: .milliseconds(500), timeoutMin: .milliseconds(20))
    rtt.add(.milliseconds(milliseconds))
    return rtt
  }

  @Test("Without reordering three successors decide, or a round trip and a quarter")
  func fresh() {
    let tolerance = ReorderingTolerance()
    #expect(tolerance.packetThreshold == 3)
    #expect(tolerance.deadline(Self.rtt(40)) == .milliseconds(50))
  }

  @Test("Where packets were reordered only time decides")
  func reordered() {
    var tolerance = ReorderingTolerance()
    tolerance.sawReordering()
    #expect(tolerance.packetThreshold == nil)
  }

  @Test("Each retransmission in vain adds a quarter, up to a whole round trip; sixteen real losses forget it")
  func adapts() {
    var tolerance = ReorderingTolerance()
    tolerance.sawSpurious()
    #expect(tolerance.deadline(Self.rtt(40)) == .milliseconds(60))
    for _ in 0..<10 { tolerance.sawSpurious() }
    #expect(tolerance.deadline(Self.rtt(40)) == .milliseconds(80))
    for _ in 0..<16 { tolerance.recovered() }
    #expect(tolerance.packetThreshold == 3)
    #expect(tolerance.deadline(Self.rtt(40)) == .milliseconds(50))
  }
}
