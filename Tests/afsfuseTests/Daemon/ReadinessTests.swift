import Testing

@testable import afsfuse

@Suite struct ReadinessTests {
  @Test(
    "What the daemon says is what the command ends with, text and exit status",
    arguments: [Failure("the disk is gone"), Failure(usage: "no such option"), Failure("")])
  func failures(failure: Failure) {
    #expect(throws: failure) { try Readiness.outcome(Readiness.message(failure)) }
  }

  @Test("A daemon that ends without a word has failed, one that is ready has not")
  func others() throws {
    try Readiness.outcome("R")
    let failure = #expect(throws: Failure.self) { try Readiness.outcome("") }
    #expect(failure?.status == 1)
  }
}
