import AFSBase
import AFSControl
import Glibc
import Logging
import TestFolders
import Testing

@Suite(.timeLimit(.minutes(1))) struct ControlSocketTests {
  private func withFolder(_ body: (RuntimeFolder) async throws -> Void) async throws {
    let parent = TemporaryFolder()
    try await body(RuntimeFolder(path: parent.path + "/run"))
    withExtendedLifetime(parent) {}
  }

  private func server(
    _ folder: RuntimeFolder, _ handler: @escaping ControlServer.Handler
  ) throws -> ControlServer {
    try ControlServer(
      mountPoint: "/afs", folder: folder, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      spawn: { body in Task { await body() } }, handler: handler)
  }

  private func ask(_ request: ControlRequest, _ path: String) async throws -> ControlReply {
    try await withCheckedThrowingContinuation { continuation in
      _ = WorkerThread(name: "ask") {
        continuation.resume(with: Result { try ControlClient.ask(request, at: path, seconds: 10) })
      }
    }
  }

  private var example: MountStatus {
    var status = MountStatus(
      mountPoint: "/afs \"é\"", processID: 42, isReadOnly: true, uptime: 77, callbackPort: 7001)
    status.cells = [
      .init(
        name: "example.com",
        servers: [.init(address: "10.0.0.1:7003", role: "volume location", isUp: true)])
    ]
    status.volumes = [.init(cell: "example.com", name: "root.cell", id: 536_870_912)]
    status.counts = [.init("vnodes", 3), .init("callbacks", UInt64.max)]
    return status
  }

  @Test("A status comes through the socket as it was given")
  func status() async throws {
    try await withFolder { folder in
      let server = try server(folder) { request, _ in request == .status ? .status(example) : .done }
      defer { server.stop() }
      #expect(try await ask(.status, server.socketPath) == .status(example))
      #expect(try await ask(.unmount(lazily: true), server.socketPath) == .done)
      #expect(folder.socketPaths == [server.socketPath])
    }
  }

  @Test("Requests arrive with their parameters, failures with their text")
  func requests() async throws {
    try await withFolder { folder in
      let server = try server(folder) { request, _ in .failed("\(request)") }
      defer { server.stop() }
      for request in [
        ControlRequest.status, .unmount(lazily: true), .unmount(lazily: false), .tokens, .removeTokens(cell: nil),
        .removeTokens(cell: "example.com"), .setToken(cell: "example.com", payload: [0, 0x7F, 0xFF]),
      ] {
        #expect(try await ask(request, server.socketPath) == .failed("\(request)"))
      }
    }
  }

  @Test("Only the owner can open the socket, and enter its folder")
  func modes() async throws {
    try await withFolder { folder in
      let server = try server(folder) { _, _ in .done }
      defer { server.stop() }
      var status = stat()
      #expect(lstat(server.socketPath, &status) == 0)
      #expect(status.st_mode & 0o777 == 0o600)
      #expect(lstat(folder.path, &status) == 0)
      #expect(status.st_mode & 0o777 == 0o700)
    }
  }

  @Test("A folder that others can write to is refused")
  func openFolder() async throws {
    try await withFolder { folder in
      #expect(mkdir(folder.path, 0o700) == 0)
      #expect(chmod(folder.path, 0o777) == 0)
      #expect(throws: ControlError.badFolder(folder.path, reason: "can be written to by others")) {
        _ = try server(folder) { _, _ in .done }
      }
    }
  }

  @Test("A second daemon for a mount point is refused, a dead one's socket is taken over")
  func places() async throws {
    try await withFolder { folder in
      let first = try server(folder) { _, _ in .done }
      #expect(throws: ControlError.inUse(first.socketPath)) { _ = try server(folder) { _, _ in .done } }
      let path = first.socketPath
      first.stop()
      #expect(throws: ControlError.absent) { try ControlClient.ask(.status, at: path, seconds: 1) }
      // What a killed daemon leaves.
      let left = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
      let bound = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(left, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      #expect(bound == 0)
      close(left)
      let second = try server(folder) { _, _ in .done }
      #expect(try await ask(.status, path) == .done)
      second.stop()
    }
  }

  @Test(
    "Nonsense and foreign versions are answered with an error; the server goes on",
    arguments: [
      "nonsense\n", "{}\n", "{\"version\":99,\"command\":\"status\"}\n", "{\"version\":1,\"command\":\"explode\"}\n",
    ])
  func nonsense(line: String) async throws {
    try await withFolder { folder in
      let server = try server(folder) { _, _ in .done }
      defer { server.stop() }
      let answer = try await raw(line, server.socketPath)
      #expect(answer.contains("\"ok\":false"))
      #expect(try await ask(.status, server.socketPath) == .done)
    }
  }

  private func raw(_ line: String, _ path: String) async throws -> String {
    await withCheckedContinuation { continuation in
      _ = WorkerThread(name: "raw") {
        let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        _ = withUnsafePointer(to: &address) { pointer in
          pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(client, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
          }
        }
        _ = write(client, line, line.utf8.count)
        var buffer = [UInt8](repeating: 0, count: 1000)
        let count = read(client, &buffer, 1000)
        close(client)
        continuation.resume(returning: String(decoding: buffer[..<max(count, 0)], as: UTF8.self))
      }
    }
  }

  @Test("A socket's path is short, whatever the mount point's is")
  func pathLength() {
    let folder = RuntimeFolder(path: "/run/user/1000/afsfuse")
    let long = folder.socketPath(mountPoint: String(repeating: "/folder", count: 500))
    #expect(long.utf8.count < 108)
    #expect(long != folder.socketPath(mountPoint: "/afs"))
    #expect(folder.socketPath(mountPoint: "/afs") == folder.socketPath(mountPoint: "/afs"))
  }
}
