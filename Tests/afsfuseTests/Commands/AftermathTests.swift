import AFSControl
import Glibc
import TestFolders
import TestThreads
import Testing

@testable import afsfuse

@Suite(.timeLimit(.minutes(1))) struct AftermathTests {
  private func status(dirtyFiles: Int64) -> MountStatus {
    var status = MountStatus(mountPoint: "/m", processID: 42, isReadOnly: false, uptime: 1, callbackPort: 7001)
    status.counts = [.init("dirty files", dirtyFiles), .init("dirty bytes", 1000 * dirtyFiles)]
    return status
  }

  @Test("A detached mount that goes on being served says so, and how much is not stored")
  func text() {
    let plain = "/m is detached; its daemon (process 42) goes on until its last user is gone"
    #expect(Aftermath.text("/m", status(dirtyFiles: 0)) == plain)
    #expect(
      Aftermath.text("/m", status(dirtyFiles: 1)) == plain + ", and stores what is changed: 1 file, 1000 bytes so far")
    #expect(Aftermath.text("/m", status(dirtyFiles: 2)).contains("2 files, 2000 bytes"))
  }

  @Test("Of a daemon that could not be asked, nobody knows")
  func mute() {
    #expect(Aftermath.ofMute("/m", .silent)?.contains("may hold changes") == true)
    #expect(Aftermath.ofMute("/m", .dead) == nil)
  }

  @Test(
    "A daemon that goes on tells its status, and one that ends meanwhile is not spoken of", arguments: [true, false])
  func daemon(goesOn: Bool) async throws {
    let folder = TemporaryFolder()
    let example = status(dirtyFiles: 3)
    let server = try TestDaemon(example, in: RuntimeFolder(path: folder.path + "/run"))
    defer { server.stop() }
    let socket = server.socket
    let found = try await onOwnThread(seconds: 30, atHang: { "" }) {
      if !goesOn {
        let reply = try ControlClient.ask(.status, at: socket, seconds: 10)
        #expect(reply == .status(example))
        server.stop()
      }
      return Aftermath.status(of: socket)
    }
    #expect(found == (goesOn ? example : nil))
  }
}
