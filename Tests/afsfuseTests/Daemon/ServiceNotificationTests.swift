import Testing

@testable import afsfuse

@Suite struct ServiceNotificationTests {
  @Test("The watchdog hears from us twice as often as it asks for, and only if it asks us")
  func interval() {
    func interval(_ microseconds: String?, _ processID: String?) -> Duration? {
      ServiceNotification.watchdogInterval(microseconds: microseconds, processID: processID, own: 42)
    }
    #expect(interval("30000000", "42") == .seconds(15))
    #expect(interval("30000000", nil) == .seconds(15))
    #expect(interval("30000000", "43") == nil)
    #expect(interval(nil, "42") == nil)
    for nonsense in ["", "x", "0", "-5", "1", "99999999999999999999"] { #expect(interval(nonsense, nil) == nil) }
  }
}
