import Testing

@testable import afsfuse

@Suite struct EndingCourseTests {
  @Test("Before there is a mount a signal ends the process")
  func starting() {
    var course = EndingCourse()
    #expect(course.signal() == .giveUp)
  }

  @Test("The first signal ends the mount, every further one the daemon")
  func impatience() {
    var course = EndingCourse()
    course.mounts()
    #expect(course.signal() == .end)
    #expect(course.signal() == .exitAtOnce)
    #expect(course.signal() == .exitAtOnce)
  }
}
