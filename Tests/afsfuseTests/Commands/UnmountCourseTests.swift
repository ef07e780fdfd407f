import AFSControl
import AFSFuse
import Glibc
import Testing

@testable import afsfuse

@Suite struct UnmountCourseTests {
  private static let socket = ControlSocket(path: "/run/afsfuse/x.sock", owner: 0)

  private func course(
    _ outcome: MountAnswer.Outcome, isLazy: Bool = false, isBound: Bool = false, user: uid_t = 1000
  ) -> UnmountCourse {
    UnmountCourse(
      "/afs", MountAnswer(socket: Self.socket, owner: 0, outcome: outcome), isLazy: isLazy, isBound: isBound, user: user
    )
  }

  private var answered: MountAnswer.Outcome {
    .reply(.status(MountStatus(mountPoint: "/afs", processID: 1, isReadOnly: false, uptime: 1, callbackPort: 7001)))
  }

  @Test("A daemon that answers ends its mount itself", arguments: [false, true])
  func asked(isLazy: Bool) {
    #expect(course(answered, isLazy: isLazy) == .ask(Self.socket))
  }

  @Test(
    "What is left of a dead one is taken away, and a bound mount leaves the original alone", arguments: [false, true])
  func detached(isLazy: Bool) {
    #expect(course(.dead, isLazy: isLazy) == .detach)
    #expect(course(answered, isLazy: isLazy, isBound: true) == .detach)
  }

  @Test("Changes of a daemon that lives and cannot be asked are not dropped without a word")
  func refused() {
    let mute = MountAnswer.Outcome.failed(ControlFailure(path: Self.socket.path, error: .timedOut))
    for outcome in [mute, .silent, .otherProgram, .reply(.failed("no"))] {
      guard case .refuse(let text) = course(outcome) else {
        Issue.record("\(outcome) does not refuse")
        continue
      }
      #expect(text.contains("--lazy") && text.contains("/afs"))
      #expect(course(outcome, isLazy: true) == .detach)
    }
  }

  @Test("Another user's is his and root's")
  func foreign() {
    #expect(course(.foreign, isLazy: true) == .refuse("/afs was mounted by root: only he and root can unmount it"))
    #expect(course(.foreign, isLazy: true, user: 0) == .detach)
    #expect(course(.foreign, user: 0) != .detach)
  }
}
