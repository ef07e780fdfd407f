import AFSBase
import Testing

@testable import RxCore

@Suite struct CongestionControlTests {
  /// A path of 100 packets a window, acknowledged window by window.
  private struct Path {
    var control: CongestionControl
    var order = TransmitOrder(0)
    var now = MonotonicTime(nanoseconds: 1_000_000_000)
    let roundTrip: Duration

    init(
      _ algorithm: RxCongestionAlgorithm, start: Int? = nil, isLimit: Bool = true,
      roundTrip: Duration = .milliseconds(50)
    ) {
      let known = start.map { PathMemory.Finding(window: $0, isLimit: isLimit) }
      control = CongestionControl(algorithm: algorithm, startingAt: known, windowMax: 1024)
      self.roundTrip = roundTrip
    }

    mutating func round(_ sample: Duration? = nil, wasLimiting: Bool = true) {
      let count = control.window
      now = now + roundTrip
      if wasLimiting { control.limited(until: order + count) }
      for _ in 0..<count {
        order += 1
        control.acknowledged(
          CongestionControl.Arrival(
            count: 1, largest: order, latest: order + count, roundTrip: sample ?? roundTrip,
            smoothed: roundTrip), now: now)
      }
    }

    @discardableResult
    mutating func lose(_ count: Int = 1) -> Bool { control.lost(count, order, latest: order + control.window) }
  }

  @Test("Slow start doubles the window every round trip", arguments: RxCongestionAlgorithm.allCases)
  func slowStart(algorithm: RxCongestionAlgorithm) {
    var path = Path(algorithm)
    #expect(path.control.window == 10)
    path.round()
    #expect(path.control.window == 20)
    path.round()
    #expect(path.control.window == 40)
  }

  @Test("A loss halves NewReno's window and takes CUBIC's to 0.7, once per recovery")
  func reduction() {
    for (algorithm, window) in [(RxCongestionAlgorithm.newReno, 80), (.cubic, 112)] {
      var path = Path(algorithm, start: 160)
      let isFirst = path.lose()
      #expect(isFirst)
      #expect(path.control.window == window)
      let isNew = path.lose()
      #expect(!isNew)
      #expect(path.control.window == window)
    }
  }

  @Test("NewReno grows by a packet a round trip after a loss")
  func newReno() {
    var path = Path(.newReno, start: 100)
    path.lose()
    path.order += 200
    for _ in 0..<5 { path.round() }
    #expect((54...55).contains(path.control.window))
  }

  @Test("CUBIC is back at the window of the last loss after its period, slow near it, and goes beyond")
  func cubic() {
    var path = Path(.cubic, start: 200)
    path.lose()
    path.order += 300
    // K = cbrt(200 * 0.3 / 0.4) = 5.3 s; 106 round trips of 50 ms.
    for _ in 0..<40 { path.round() }
    #expect((170...198).contains(path.control.window))
    for _ in 0..<66 { path.round() }
    #expect((195...206).contains(path.control.window))
    for _ in 0..<80 { path.round() }
    #expect(path.control.window > 215)
  }

  @Test("When all that was taken for lost had only been late, the window is what it was")
  func undo() {
    for algorithm in RxCongestionAlgorithm.allCases {
      var path = Path(algorithm, start: 100)
      path.lose(3)
      path.control.sawSpurious(2)
      #expect(path.control.window < 100)
      path.control.sawSpurious(1)
      #expect(path.control.window == 100)
    }
  }

  @Test("A window that did not limit anything does not grow", arguments: RxCongestionAlgorithm.allCases)
  func unused(algorithm: RxCongestionAlgorithm) {
    var path = Path(algorithm)
    path.round(wasLimiting: false)
    #expect(path.control.window == 10)
  }

  @Test("What a path carried at least is where slow start goes on; what it carried at most is where it ends")
  func knownStart() {
    var path = Path(.cubic, start: 40, isLimit: false)
    path.round()
    #expect(path.control.window == 80)
    path = Path(.cubic, start: 40, isLimit: true)
    path.round()
    #expect((40...60).contains(path.control.window))
  }

  @Test("A call tells the next ones what it has found out, and nothing when it was too small for that")
  func finding() {
    var path = Path(.cubic, start: 40)
    #expect(path.control.finding == nil)
    path.round(wasLimiting: false)
    #expect(path.control.finding == nil)
    path = Path(.cubic)
    path.round()
    #expect(path.control.finding == PathMemory.Finding(window: 20, isLimit: false))
    path.lose()
    #expect(path.control.finding == PathMemory.Finding(window: 14, isLimit: true))
  }

  @Test("Slow start becomes cautious when round trips grow, and ends after five rounds")
  func hyStart() {
    var path = Path(.newReno)
    path.round(.milliseconds(50))
    path.round(.milliseconds(50))
    // Eight samples show it; what follows grows by a quarter.
    path.round(.milliseconds(60))
    let window = path.control.window
    #expect(window < 60)
    path.round(.milliseconds(60))
    #expect(path.control.window <= window * 5 / 4 + 1)
    for _ in 0..<6 { path.round(.milliseconds(61)) }
    #expect(!path.control.isInSlowStart)
  }

  @Test("After a pause the stream starts again with ten packets, and is soon where it was")
  func restart() {
    var path = Path(.cubic, start: 100)
    path.control.restarted()
    #expect(path.control.window == 10)
    #expect(path.control.isInSlowStart)
  }
}
