import AFSBase
import AFSFuse
import Glibc
import Testing

@testable import afsfuse

@Suite(.timeLimit(.minutes(1))) struct AttributeProbeTests {
  private func entry(_ path: String) throws -> MountTableEntry {
    let line = "36 35 0:42 / \(path) rw - fuse.afsfuse afs rw,user_id=0,group_id=0"
    return try #require(MountTableEntry(line[...]))
  }

  /// The children are shells which run their mount points.
  private func probe(limit: Duration = .seconds(30)) -> AttributeProbe {
    AttributeProbe(
      command: { ["/bin/sh", "-c", $0.mountPoint.replacing("/", with: "").replacing("_", with: " ")] }, limit: limit)
  }

  @Test("Each mount gets the answer of its own child")
  func answers() throws {
    let entries = try ["/echo_dead", "/false", "/echo_unknown;_echo_dead", "/printf_refused"].map(entry)
    #expect(probe().ask(entries) == [.dead, .silent, .unknown, .refused])
    #expect(probe().ask([]) == [])
  }

  @Test("One that hangs is given up at the limit, and keeps the others' answers from nobody")
  func hanging() throws {
    let started = SystemClock.monotonic
    let entries = try ["/exec_sleep_50", "/echo_dead", "/echo_dead;_exec_sleep_50"].map(entry)
    #expect(probe(limit: .seconds(2)).ask(entries) == [.silent, .dead, .silent])
    #expect(SystemClock.monotonic - started < .seconds(20), "they are asked at the same time")
  }

  @Test("A child that cannot be started is silence")
  func noProgram() throws {
    let probe = AttributeProbe(command: { _ in ["/nonexistent"] })
    #expect(probe.ask([try entry("/afs")]) == [.silent])
  }

  @Test("The child's words must be a path, a user and a group", arguments: [[], ["/"], ["/", "0"], ["/", "x", "0"]])
  func usage(words: [String]) {
    #expect(AttributeProbe.answer(words[...]) == 64)
  }
}
