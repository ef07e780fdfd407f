import AFSBase
import AFSTypes
import RxCore
import Testing

@testable import AFSClient

@Suite struct PerformanceCollectionTests {
  private func counts(calls: UInt64, aborts: [AbortCode: UInt64] = [:], times: [Duration]) -> RxOperationCounts {
    var counts = RxOperationCounts()
    counts.calls = calls
    counts.aborts = aborts
    counts.bytesReceived = 10 << 20
    for time in times { counts.latency.add(time) }
    return counts
  }

  @Test("Both rows have OpenAFS's length, whatever is in them")
  func lengths() {
    var figures = PerformanceCollection()
    #expect(figures.words.count == PerformanceCollection.wordCount)
    #expect(figures.fullWords.count == PerformanceCollection.fullWordCount)
    figures.cacheSize = .max
    figures.startTime = .max
    #expect(figures.words.contains(.max))
    #expect(figures.words.count == PerformanceCollection.wordCount)
  }

  @Test("Calls stand in their rows: both forms together, with times, failures and bytes")
  func rows() {
    var figures = PerformanceCollection()
    let service = ServiceID(1)
    figures.operations = [
      .init(service: service, code: 65537, isOutgoing: true): counts(
        calls: 7, aborts: [.vBusy: 1, .vNoVol: 2, .rxkadBadTicket: 1], times: [.milliseconds(1500), .microseconds(20)]),
      .init(service: service, code: 130, isOutgoing: true): counts(calls: 1, times: [.seconds(3)]),
      .init(service: service, code: 204, isOutgoing: false): counts(calls: 9, times: [.milliseconds(2)]),
      .init(service: ServiceID(52), code: 132, isOutgoing: true): counts(calls: 5, times: [.seconds(1)]),
    ]
    let words = figures.fullWords
    let timings = 1 + 159
    #expect(Array(words[timings..<timings + 10]) == [8, 4, 4, 500_020, 0, 0, 0, 20, 3, 0])
    #expect(words[timings + 2 * 10] == 0, "another service's call with the same number")
    let errors = timings + 30 * 10
    #expect(Array(words[errors..<errors + 6]) == [0, 0, 1, 2, 1, 0])
    let transfers = errors + 30 * 6
    #expect(words[transfers + 10] == 20 << 10)
    let callbacks = transfers + 2 * 22
    #expect(words[callbacks] == 9 && words[callbacks + 1] == 9)
  }
}
