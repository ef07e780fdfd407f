import AFSBase
import Glibc
import TestThreads
import Testing

@Suite struct OwnThreadTests {
  @Test("What does not come back in time is a hang, with what each thread was doing")
  func hang() async throws {
    let isReleased = Monitor(false)
    let hang = await #expect(throws: Hang.self) {
      try await onOwnThread(
        seconds: 0,
        atHang: {
          isReleased.change { $0 = true }
          return "waited for a release"
        },
        { isReleased.wait(until: .distantFuture) { $0 ? () : nil } })
    }
    #expect(hang?.details == "waited for a release")
    // The main thread has the process's number.
    #expect(hang?.threads.contains("\(getpid()) ") == true)
  }

  @Test("What comes back in time is the result, and an error is thrown on")
  func results() async throws {
    #expect(try await onOwnThread(seconds: 60, atHang: { "" }, { 7 }) == 7)
    await #expect(throws: CallError(5)) {
      try await onOwnThread(seconds: 60, atHang: { "" }, { throw CallError(5) })
    }
  }
}
