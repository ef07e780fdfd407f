import AFSBase
import AFSClient
import Testing

@Suite struct ForgettingLimitTests {
  /// Times in seconds at which the limit lets something happen, asked at `times`.
  private func admitted(_ limit: inout ForgettingLimit, at times: [Double]) -> [Double] {
    times.filter { limit.asked(now: .zero + .milliseconds($0 * 1000)) }
  }

  @Test("A burst is acted upon at once, the rest together and later")
  func burst() {
    var limit = ForgettingLimit(burst: 2, interval: .seconds(30))
    #expect(admitted(&limit, at: [1000, 1000, 1000, 1001, 1010, 1029]) == [1000, 1000])
    #expect(limit.isPending)
    let due = [1029, 1031, 1032, 5000].map { (second: Int) in limit.due(now: .zero + .seconds(second)) }
    #expect(due == [false, true, false, false])
    #expect(!limit.isPending)
  }

  @Test("A flood is acted upon once an interval, however long it lasts")
  func flood() {
    var limit = ForgettingLimit(burst: 1, interval: .seconds(30))
    let count = admitted(&limit, at: Array(stride(from: 0, to: 300, by: 0.007))).count
    #expect((10...11).contains(count))
  }

  @Test("What was not used up is there again after a while, never more than the burst")
  func refilled() {
    var limit = ForgettingLimit(burst: 3, interval: .seconds(1))
    #expect(admitted(&limit, at: [0, 0, 0, 0]).count == 3)
    #expect(admitted(&limit, at: Array(repeating: 100, count: 9)).count == 3)
  }
}
