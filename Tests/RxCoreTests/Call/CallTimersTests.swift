import AFSBase
import Testing

@testable import RxCore

@Suite struct CallTimersTests {
  @Test("The earliest of a call's deadlines counts, whichever it is", arguments: 0..<5)
  func earliest(first: Int) {
    let times = (0..<5).map { MonotonicTime(nanoseconds: $0 == first ? 10 : 20 + Int64($0)) }
    let timers = CallTimers(retransmit: times[1], loss: times[2], life: times[3], deadline: times[4])
    #expect(timers.earliest(with: times[0]) == MonotonicTime(nanoseconds: 10))
  }

  @Test("A deadline that is not set is none")
  func none() {
    #expect(CallTimers().earliest(with: nil) == nil)
    #expect(CallTimers(life: .zero).earliest(with: nil) == .zero)
    #expect(CallTimers().earliest(with: .zero) == .zero)
  }
}
