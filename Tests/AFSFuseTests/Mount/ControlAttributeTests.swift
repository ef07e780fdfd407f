import AFSFuse
import CTestCalls
import Glibc
import Testing

@Suite(.tags(.mount), .enabled(if: canMount), .serialized, .timeLimit(.minutes(1)))
struct ControlAttributeTests {
  private static let socket = "/run/user/1000/afsfuse/0123456789abcdef.sock"

  @Test("Each file of the mount tells where its daemon can be asked, and no list says that it does")
  func told() async throws {
    try await TestMount.with(controlPath: Self.socket) { mount in
      mount.fileSystem.plant("f", [1])
      try await mount.run { path throws in
        for file in [path, path + "/f"] {
          #expect(ControlAttribute.read(at: file) == .socket(Self.socket))
          #expect(try call(getxattr(file, ControlAttribute.name, nil, 0)) == Self.socket.utf8.count)
          var names = [UInt8](repeating: 0, count: 1000)
          let count = try call(names.withUnsafeMutableBytes { listxattr(file, $0.baseAddress, $0.count) })
          #expect(!String(decoding: names[..<count], as: UTF8.self).contains("control"))
          #expect(failure(setxattr(file, ControlAttribute.name, "x", 1, 0)) == EOPNOTSUPP)
          #expect(failure(removexattr(file, ControlAttribute.name)) == EOPNOTSUPP)
        }
      }
    }
  }

  @Test("A mount of another program tells nothing")
  func unknown() async throws {
    try await TestMount.with { mount in
      try await mount.run { path in #expect(ControlAttribute.read(at: path) == .unknown) }
    }
  }

  @Test("A mount whose daemon is gone is dead, whatever it told before", arguments: [nil, Self.socket])
  func dead(socket: String?) async throws {
    try await TestMount.with(controlPath: socket) { mount in
      try await mount.run { path in _ = ControlAttribute.read(at: path) }
      mount.session.abort()
      await mount.session.finish()
      try await mount.run { path in #expect(ControlAttribute.read(at: path) == .dead) }
    }
  }

  @Test("What is no mount answers nothing")
  func noMount() {
    #expect(ControlAttribute.read(at: "/proc/self") == .unknown)
    #expect(ControlAttribute.read(at: "/nonexistent") == .silent)
  }

  @Test(
    "Answers are read as they were written",
    arguments: [ControlAttribute.Answer.socket("/run/a b.sock"), .dead, .unknown, .refused, .silent])
  func line(answer: ControlAttribute.Answer) {
    #expect(ControlAttribute.Answer(line: answer.line) == answer)
  }

  @Test("A line that makes no sense is silence", arguments: ["", "dea", "socket", "socket run/x", "dead "])
  func senseless(line: String) {
    #expect(ControlAttribute.Answer(line: line) == .silent)
  }
}
