import AFSControl
import AFSFuse
import Glibc
import Testing

@testable import afsfuse

@Suite struct MountAnswerTests {
  private func answer(_ outcome: MountAnswer.Outcome, owner: uid_t = 1000) throws -> MountAnswer {
    let line = "36 35 0:42 / /afs rw - fuse.afsfuse afs rw,user_id=\(owner),group_id=0"
    return MountAnswer(entry: MountTableEntry(line[...]), owner: owner, outcome: outcome)
  }

  private static let failure = ControlFailure(path: "/run/x.sock", error: .timedOut)

  @Test("A mount of the user's own is trouble when its daemon is gone, or known and mute")
  func own() throws {
    for outcome in [MountAnswer.Outcome.dead, .failed(Self.failure), .reply(.failed("no"))] {
      #expect(try answer(outcome).isTrouble(of: 1000), "\(outcome)")
      #expect(try answer(outcome).isTrouble, "\(outcome)")
    }
  }

  @Test("What does not answer at all may be another program's: it is trouble only for who asks about that mount")
  func silent() throws {
    #expect(try !answer(.silent).isTrouble(of: 1000))
    #expect(try answer(.silent).isTrouble)
  }

  @Test("Mounts of others do not make a healthy status fail")
  func others() throws {
    for outcome in [MountAnswer.Outcome.dead, .failed(Self.failure), .silent, .otherProgram, .foreign] {
      #expect(try !answer(outcome, owner: 1001).isTrouble(of: 1000), "\(outcome)")
    }
    for outcome in [MountAnswer.Outcome.otherProgram, .foreign, .reply(.done)] {
      #expect(try !answer(outcome).isTrouble(of: 1000), "\(outcome)")
      #expect(try !answer(outcome).isTrouble, "\(outcome)")
    }
  }

  @Test("Sockets that may not be opened are none of this user's business")
  func closed() throws {
    #expect(try answer(.failed(ControlFailure(path: "/s", error: .system("/s", errno: EACCES)))).isClosed)
    #expect(try !answer(.failed(ControlFailure(path: "/s", error: .system("/s", errno: EIO)))).isClosed)
    #expect(try !answer(.failed(Self.failure)).isClosed)
  }
}
