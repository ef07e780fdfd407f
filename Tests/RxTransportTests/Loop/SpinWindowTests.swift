import AFSBase
import Testing

@testable import RxTransport

@Suite struct SpinWindowTests {
  @Test("Short sleeps open the window, up to the limit; a long one closes it")
  func adapts() {
    var window = SpinWindow(limit: .microseconds(50))
    #expect(!window.isOpen(now: .zero))
    var windows: [Duration] = []
    for _ in 0..<4 {
      window.slept(.microseconds(30))
      windows.append(window.window)
    }
    #expect(windows == [.microseconds(10), .microseconds(20), .microseconds(40), .microseconds(50)])
    #expect(window.isOpen(now: .zero))
    window.slept(.microseconds(51))
    #expect(!window.isOpen(now: .zero))
  }

  @Test("Without a limit there is no window")
  func off() {
    var window = SpinWindow(limit: .zero)
    window.slept(.nanoseconds(1))
    #expect(!window.mayOpen)
  }

  @Test("A look that takes the processor from others closes the window for a time")
  func interrupted() {
    var window = SpinWindow(limit: .microseconds(50))
    window.slept(.microseconds(30))
    let start = MonotonicTime.zero + .seconds(1)
    window.wasInterrupted(now: start)
    // Short sleeps do not open it before.
    window.slept(.microseconds(30))
    #expect(!window.isOpen(now: start + .milliseconds(49)))
    #expect(window.isOpen(now: start + .milliseconds(50)))
  }
}
