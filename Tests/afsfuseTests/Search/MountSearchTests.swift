import AFSBase
import AFSControl
import AFSFuse
import Glibc
import TestFolders
import TestThreads
import Testing

@testable import afsfuse

@Suite(.timeLimit(.minutes(1))) struct MountSearchTests {
  /// Two folders of sockets, of which the command knows one.
  private struct Place {
    let parent = TemporaryFolder()
    var known: RuntimeFolder { RuntimeFolder(path: parent.path + "/known") }
    var other: RuntimeFolder { RuntimeFolder(path: parent.path + "/other") }
  }

  private func entry(_ path: String, device: String, user: uid_t = geteuid()) throws -> MountTableEntry {
    let line = "36 35 \(device) / \(path) rw - fuse.afsfuse afs rw,user_id=\(user),group_id=0"
    return try #require(MountTableEntry(line[...]))
  }

  private func daemon(_ mountPoint: String, _ folder: RuntimeFolder) throws -> TestDaemon {
    try TestDaemon(
      MountStatus(mountPoint: mountPoint, processID: 1, isReadOnly: false, uptime: 1, callbackPort: 7001), in: folder)
  }

  private func ask(
    _ folders: [RuntimeFolder], _ mounts: [MountTableEntry], at path: String? = nil,
    probe: @escaping @Sendable (MountTableEntry) -> ControlAttribute.Answer
  ) async throws -> [MountAnswer] {
    let search = MountSearch(
      folders: folders, mounts: mounts, mayAsk: { $0 == geteuid() }, probe: { $0.map(probe) })
    return try await onOwnThread(seconds: 30, atHang: { "" }) { search.ask(.status, seconds: 10, at: path) }
  }

  private func unasked(_ entry: MountTableEntry) -> ControlAttribute.Answer {
    Issue.record("\(entry.mountPoint) is asked though its daemon is known")
    return .silent
  }

  @Test("A daemon whose socket lies in a known folder is asked there, and the mount is left alone")
  func bySocket() async throws {
    let place = Place()
    let daemon = try daemon("/afs", place.known)
    defer { daemon.stop() }
    let mount = try entry("/afs", device: "0:1")
    let bound = try entry("/srv/afs", device: "0:1")
    let answers = try await ask([place.known], [mount, bound], probe: unasked)
    #expect(answers.map(\.entry) == [mount])
    #expect(answers.map(\.socket) == [daemon.socket])
    #expect(answers.map { $0.status?.state } == [.mounted])
  }

  @Test("A daemon that was started with another XDG_RUNTIME_DIR is found by its mount", arguments: [nil, "/afs"])
  func byMount(path: String?) async throws {
    let place = Place()
    let (near, far) = (try daemon("/near", place.known), try daemon("/afs", place.other))
    defer { for daemon in [near, far] { daemon.stop() } }
    let mounts = [try entry("/near", device: "0:1"), try entry("/afs", device: "0:2")]
    let answers = try await ask([place.known], mounts, at: path) { entry in
      #expect(entry.mountPoint == "/afs")
      return .socket(far.socket.path)
    }
    #expect(answers.compactMap(\.status?.mountPoint) == (path == nil ? ["/near", "/afs"] : ["/afs"]))
    #expect(answers.allSatisfy { $0.status?.state == .mounted && !$0.isTrouble })
  }

  @Test("What a mount says of its socket is not believed when the folder is not its owner's")
  func trap() async throws {
    let place = Place()
    let daemon = try daemon("/afs", place.other)
    defer { daemon.stop() }
    #expect(chmod(place.other.path, 0o777) == 0)
    let answers = try await ask([place.known], [try entry("/afs", device: "0:1")]) { _ in .socket(daemon.socket.path) }
    let failure = ControlFailure(
      path: daemon.socket.path, error: .badFolder(place.other.path, reason: "can be written to by others"))
    #expect(answers.map(\.outcome) == [.failed(failure)])
  }

  @Test(
    "A mount without a socket is what it says of itself",
    arguments: [
      (ControlAttribute.Answer.dead, MountAnswer.Outcome.dead, MountStatus.State.abandoned),
      (.unknown, .otherProgram, .otherProgram), (.refused, .foreign, .foreign), (.silent, .silent, .silent),
    ])
  func withoutSocket(
    answer: ControlAttribute.Answer, outcome: MountAnswer.Outcome, state: MountStatus.State
  ) async throws {
    let answers = try await ask([Place().known], [try entry("/afs", device: "0:1")]) { _ in answer }
    #expect(answers.map(\.outcome) == [outcome])
    #expect(answers.map { $0.status?.state } == [state])
    #expect(answers.map { $0.status?.mountPoint } == ["/afs"])
  }

  @Test("A daemon whose socket was removed lives on, and is not called gone")
  func removed() async throws {
    let answers = try await ask([Place().known], [try entry("/afs", device: "0:1")]) { _ in .socket("/nonexistent/x") }
    #expect(answers.map(\.outcome) == [.failed(ControlFailure(path: "/afs", error: .unreachable))])
    #expect(answers.map { $0.status?.state } == [.silent])
    #expect(answers[0].failure?.contains("the daemon lives") == true)
  }

  @Test("A folder of somebody else's is one failure, and what is right is asked all the same")
  func folders() async throws {
    let place = Place()
    let (near, far) = (try daemon("/near", place.known), try daemon("/far", place.other))
    defer { for daemon in [near, far] { daemon.stop() } }
    let trap = RuntimeFolder(path: place.other.path, owner: geteuid() + 1)
    let answers = try await ask(
      [trap, RuntimeFolder(path: "/nonexistent/afsfuse"), place.known], [try entry("/near", device: "0:1")],
      probe: unasked)
    #expect(answers.compactMap(\.status?.mountPoint) == ["/near"])
    #expect(answers.compactMap(\.failure).map { $0.hasPrefix(trap.path + " belongs to") } == [true])
  }

  @Test("Mounts of others are not asked")
  func foreign() async throws {
    let mount = try entry("/afs", device: "0:1", user: geteuid() + 1)
    let answers = try await ask([Place().known], [mount], probe: unasked)
    #expect(answers.map(\.outcome) == [.foreign])
    #expect(answers.map(\.failure) == [nil])
  }

  @Test("A daemon without a mount is a detached one's; a socket that nobody listens at is nobody's")
  func detached() async throws {
    let place = Place()
    let daemon = try daemon("/afs", place.known)
    defer { daemon.stop() }
    #expect(creat(place.known.path + "/0000000000000000.sock", 0o600) >= 0)
    for path in [nil, "/afs"] {
      let answers = try await ask([place.known], [], at: path, probe: unasked)
      #expect(answers.compactMap(\.status?.state) == [.detached])
    }
    #expect(try await ask([place.known], [], at: "/elsewhere", probe: unasked).isEmpty)
  }

  @Test("A bound mount whose original is out of sight has the daemon of the original, once")
  func bound() async throws {
    let place = Place()
    let daemon = try daemon("/afs", place.known)
    defer { daemon.stop() }
    let bound = try entry("/srv/afs", device: "0:1")
    let answers = try await ask([place.known], [bound]) { _ in .socket(daemon.socket.path) }
    #expect(answers.map(\.entry) == [bound])
    #expect(answers.map { $0.status?.state } == [.mounted])
  }
}
