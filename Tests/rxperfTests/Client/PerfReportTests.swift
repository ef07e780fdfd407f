import AFSControl
import Testing

@testable import rxperf

@Suite struct PerfReportTests {
  @Test(
    "It says 'verified' only of data that the client has compared",
    arguments: [
      (PerfRequest(.recv, receiveBytes: 9), true, ", verified", true),
      (PerfRequest(.rpc, sendBytes: 9, receiveBytes: 9), true, ", received data verified", true),
      (PerfRequest(.send, sendBytes: 9), true, ", not verified here (a server with --verify does)", false),
      (PerfRequest(.recv, receiveBytes: 0), true, ", not verified here (a server with --verify does)", false),
      (PerfRequest(.recv, receiveBytes: 9), false, "", false),
    ] as [(PerfRequest, Bool, String, Bool)])
  func verification(request: PerfRequest, isWanted: Bool, text: String, isDone: Bool) throws {
    let report = Self.report(calls: 2, PerfReport.Verification(of: request, isWanted: isWanted))
    let line = try #require(report.text.split(separator: "\n").first)
    #expect(line == "RECV: 1 at once, 2 calls, 0 bytes\(text)")
    #expect(report.json["verified"] == .bool(isDone))
  }

  @Test("A run that was interrupted says so, and verified nothing when it made no call")
  func interrupted() {
    var report = Self.report(calls: 0, .all)
    report.isInterrupted = true
    #expect(report.text.hasPrefix("RECV: 1 at once, 0 calls, 0 bytes, interrupted\n"))
    #expect(report.json["interrupted"] == .bool(true))
    #expect(report.json["verified"] == .bool(false))
  }

  private static func report(calls: Int, _ verification: PerfReport.Verification) -> PerfReport {
    var tally = PerfClient.Tally()
    tally.calls = calls
    return PerfReport(
      operation: .recv, callers: 1, ioThreads: 1, verification: verification, tally: tally, elapsed: .seconds(1),
      cpu: .zero)
  }
}
