import AFSBase
import Glibc
import TestFolders
import Testing

@testable import AFSControl

@Suite(.timeLimit(.minutes(1))) struct ControlClientTests {
  /// A socket that somebody listens on, in a folder that is right but for what a test changes.
  private final class Listener {
    let parent = TemporaryFolder()
    let folder: String
    let path: String
    let descriptor: Int32

    init() throws {
      folder = parent.path + "/run"
      path = folder + "/0123456789abcdef.sock"
      #expect(mkdir(folder, 0o700) == 0)
      descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      let address = try #require(sockaddr_un(path: path))
      try #require(address.withAddress { bind(descriptor, $0, $1) } == 0)
      try #require(listen(descriptor, 4) == 0)
    }

    deinit { close(descriptor) }

    func asked(owner: uid_t, in folder: String? = nil) -> ControlSocket {
      ControlSocket(path: path, folder: RuntimeFolder(path: folder ?? self.folder, owner: owner))
    }

    /// Whether anybody has connected, and what he sent before he hung up.
    func heard() -> [UInt8]? {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, 0) == 1 else { return nil }
      let peer = accept(descriptor, nil, nil)
      defer { close(peer) }
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = read(peer, &buffer, buffer.count)
      return Array(buffer[..<max(count, 0)])
    }
  }

  private let token = ControlRequest.setToken(cell: "example.com", payload: SecretBytes([1, 2, 3]))

  @Test("Nothing is sent into a folder that belongs to somebody else")
  func foreignFolder() throws {
    let listener = try Listener()
    let error = ControlError.badFolder(
      listener.folder, reason: "belongs to user id \(geteuid()), not to \(geteuid() + 1)")
    #expect(throws: error) { try ControlClient.ask(token, at: listener.asked(owner: geteuid() + 1), seconds: 1) }
    #expect(listener.heard() == nil)
  }

  @Test("Nothing is sent into a folder that others can write to", arguments: [mode_t(0o777), 0o720, 0o702])
  func openFolder(mode: mode_t) throws {
    let listener = try Listener()
    #expect(chmod(listener.folder, mode) == 0)
    #expect(throws: ControlError.badFolder(listener.folder, reason: "can be written to by others")) {
      try ControlClient.ask(token, at: listener.asked(owner: geteuid()), seconds: 1)
    }
    #expect(listener.heard() == nil)
  }

  @Test("A symbolic link is no folder")
  func linkedFolder() throws {
    let listener = try Listener()
    let link = listener.parent.path + "/link"
    #expect(symlink(listener.folder, link) == 0)
    #expect(throws: ControlError.badFolder(link, reason: "is not a folder")) {
      try ControlClient.ask(token, at: listener.asked(owner: geteuid(), in: link), seconds: 1)
    }
    #expect(listener.heard() == nil)
  }

  @Test(
    "Nothing is sent to a process of another user's",
    .enabled(if: geteuid() == 0, "a folder of another user's needs root"))
  func foreignDaemon() throws {
    let listener = try Listener()
    let nobody: uid_t = 65534
    #expect(chown(listener.folder, nobody, nobody) == 0)
    #expect(throws: ControlError.foreignDaemon(listener.path, user: 0, owner: nobody)) {
      try ControlClient.ask(token, at: listener.asked(owner: nobody), seconds: 1)
    }
    #expect(listener.heard() == [])
  }

  @Test("The user of the listening process is the one that counts")
  func peer() throws {
    let listener = try Listener()
    let connection = try ControlClient.connect(listener.path)
    try connection.requirePeer(geteuid(), path: listener.path)
    #expect(throws: ControlError.foreignDaemon(listener.path, user: geteuid(), owner: geteuid() + 1)) {
      try connection.requirePeer(geteuid() + 1, path: listener.path)
    }
  }

  @Test("Where a mount says that its daemon listens is believed as far as the place is its owner's")
  func named() throws {
    let listener = try Listener()
    let socket = ControlSocket(path: listener.path, owner: geteuid())
    #expect(socket == listener.asked(owner: geteuid()))
    #expect(chmod(listener.folder, 0o777) == 0)
    #expect(throws: ControlError.badFolder(listener.folder, reason: "can be written to by others")) {
      try ControlClient.ask(token, at: socket, seconds: 1)
    }
    #expect(listener.heard() == nil)
  }

  @Test("A daemon that sends its reply byte by byte is given up at the deadline")
  func slowReply() throws {
    let listener = try Listener()
    let isDone = Monitor(false)
    let descriptor = listener.descriptor
    let sender = WorkerThread(name: "slow") {
      let peer = accept(descriptor, nil, nil)
      while !isDone.withLock({ $0 }) {
        _ = send(peer, " ", 1, Int32(MSG_NOSIGNAL))
        usleep(10_000)
      }
      close(peer)
    }
    #expect(throws: ControlError.timedOut) {
      try ControlClient.ask(.status, at: listener.asked(owner: geteuid()), seconds: 1)
    }
    isDone.change { $0 = true }
    sender?.join()
  }

  @Test("Of the folders in /tmp those count which belong to the user that they are named for")
  func temporary() {
    let parent = TemporaryFolder()
    let mine = "\(parent.path)/afsfuse-\(geteuid())"
    for name in [mine, "\(parent.path)/afsfuse-\(geteuid() + 1)", "\(parent.path)/afsfuse-x", "\(parent.path)/other"] {
      #expect(mkdir(name, 0o700) == 0)
    }
    #expect(RuntimeFolder.inTemporary(parent.path) == [RuntimeFolder(path: mine, owner: geteuid())])
  }
}
