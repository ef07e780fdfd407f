import AFSBase
import Glibc
import Logging
import TestFolders
import Testing

@testable import AFSControl

@Suite(.timeLimit(.minutes(1))) struct ControlServerTests {
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

  private func ask(_ request: ControlRequest, _ socket: ControlSocket) async throws -> ControlReply {
    try await withCheckedThrowingContinuation { continuation in
      _ = WorkerThread(name: "ask") {
        continuation.resume(with: Result { try ControlClient.ask(request, at: socket, seconds: 10) })
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
      #expect(try await ask(.status, server.socket) == .status(example))
      #expect(try await ask(.unmount(lazily: true), server.socket) == .done)
      #expect(folder.sockets == [server.socket])
    }
  }

  @Test("Requests arrive with their parameters, failures with their text")
  func requests() async throws {
    try await withFolder { folder in
      let server = try server(folder) { request, _ in .failed("\(request)") }
      defer { server.stop() }
      for request in [
        ControlRequest.status, .unmount(lazily: true), .unmount(lazily: false), .tokens, .removeTokens(cell: nil),
        .removeTokens(cell: "example.com"), .setToken(cell: "example.com", payload: SecretBytes([0, 0x7F, 0xFF])),
      ] {
        #expect(try await ask(request, server.socket) == .failed("\(request)"))
      }
    }
  }

  @Test("Only the owner can open the socket, and enter its folder")
  func modes() async throws {
    try await withFolder { folder in
      let server = try server(folder) { _, _ in .done }
      defer { server.stop() }
      var status = stat()
      #expect(lstat(server.socket.path, &status) == 0)
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
      #expect(throws: ControlError.inUse(first.socket.path)) { _ = try server(folder) { _, _ in .done } }
      let socket = first.socket
      first.stop()
      #expect(throws: ControlError.absent) { try ControlClient.ask(.status, at: socket, seconds: 1) }
      // What a killed daemon leaves.
      let left = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      let address = try #require(sockaddr_un(path: socket.path))
      #expect(address.withAddress { bind(left, $0, $1) } == 0)
      close(left)
      let second = try server(folder) { _, _ in .done }
      #expect(try await ask(.status, socket) == .done)
      second.stop()
    }
  }

  @Test("What killed daemons have left is taken away; what daemons and others have there stays")
  func left() async throws {
    try await withFolder { folder in
      let alive = try ControlServer(
        mountPoint: "/alive", folder: folder, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        spawn: { body in Task { await body() } }, handler: { _, _ in .done })
      defer { alive.stop() }
      let full = folder.path + "/full.sock"
      let listener = try bound(full)
      #expect(listen(listener, 0) == 0)
      let waiting = try ControlClient.connect(full)
      let left = folder.path + "/0000000000000000.sock"
      close(try bound(left))
      let others = [folder.path + "/file.sock", folder.path + "/left.other"]
      for other in others { close(creat(other, 0o600)) }
      let server = try server(folder) { _, _ in .done }
      defer { server.stop() }
      #expect(access(left, F_OK) != 0)
      for path in others + [full, alive.socket.path, server.socket.path] { #expect(access(path, F_OK) == 0, "\(path)") }
      #expect(try await ask(.status, alive.socket) == .done)
      withExtendedLifetime(waiting) {}
      close(listener)
    }
  }

  /// A socket that nobody listens at yet.
  private func bound(_ path: String) throws -> Int32 {
    let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let address = try #require(sockaddr_un(path: path))
    #expect(address.withAddress { bind(descriptor, $0, $1) } == 0)
    return descriptor
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
      let answer = try await raw(line, server.socket.path)
      #expect(answer.contains("\"ok\":false"))
      #expect(try await ask(.status, server.socket) == .done)
    }
  }

  private func raw(_ line: String, _ path: String) async throws -> String {
    let client = try ControlClient.connect(path)
    return await withCheckedContinuation { continuation in
      _ = WorkerThread(name: "raw") {
        _ = write(client.descriptor, line, line.utf8.count)
        continuation.resume(returning: Self.text(client))
      }
    }
  }

  /// What comes until the other side hangs up.
  private static func text(_ client: ControlConnection) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = read(client.descriptor, &buffer, buffer.count)
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
    }
  }

  // MARK: Peers that take their time

  /// Connections on which a request has begun.
  private func begun(_ count: Int, _ path: String) throws -> [ControlConnection] {
    try (0..<count).map { _ in
      let client = try ControlClient.connect(path)
      #expect(write(client.descriptor, "{", 1) == 1)
      return client
    }
  }

  @Test("Requests which never become whole keep nobody out")
  func slowRequests() async throws {
    try await withFolder { folder in
      let server = try server(folder) { _, _ in .done }
      defer { server.stop() }
      let slow = try begun(ConnectionQuota.userMax - 1, server.socket.path)
      for _ in 0..<20 { #expect(try await ask(.status, server.socket) == .done) }
      withExtendedLifetime(slow) {}
    }
  }

  @Test("A user with too many connections is told so, and served again when one has ended")
  func tooMany() async throws {
    try await withFolder { folder in
      let server = try server(folder) { _, _ in .done }
      defer { server.stop() }
      var slow = try begun(ConnectionQuota.userMax, server.socket.path)
      let refusal = ControlReply.failed("too many requests of yours are under way: try again later")
      #expect(try await ask(.status, server.socket) == refusal)
      slow.removeLast()
      // The server hears of the end by itself; the suite's limit bounds the wait.
      while try await ask(.status, server.socket) == refusal {}
      #expect(try await ask(.status, server.socket) == .done)
    }
  }

  @Test("A request that is too long is refused, and the server goes on")
  func longRequest() async throws {
    try await withFolder { folder in
      let server = try server(folder) { _, _ in .done }
      defer { server.stop() }
      let answer = try await raw(
        String(repeating: " ", count: RequestLine.byteCountMax + 1) + "\n", server.socket.path)
      #expect(answer.contains("the request is too long"))
      #expect(try await ask(.status, server.socket) == .done)
    }
  }

  @Test("The longest token comes through")
  func longToken() async throws {
    try await withFolder { folder in
      let longest = ControlRequest.setToken(
        cell: String(repeating: "c", count: 255), payload: SecretBytes([UInt8](repeating: 0xAB, count: 32767)))
      let server = try server(folder) { request, _ in request == longest ? .done : .failed("another") }
      defer { server.stop() }
      #expect(try await ask(longest, server.socket) == .done)
    }
  }

  @Test("Whoever does not read his long reply keeps nobody out, and gets all of it when he does")
  func slowReader() async throws {
    try await withFolder { folder in
      let long = JSONValue.string(String(repeating: "x", count: 4 << 20))
      let server = try server(folder) { request, _ in request == .rx ? .rx(long) : .done }
      defer { server.stop() }
      let slow = try (0..<4).map { _ in
        let client = try ControlClient.connect(server.socket.path)
        try client.send(.rx, until: .distantFuture)
        return client
      }
      for _ in 0..<20 { #expect(try await ask(.status, server.socket) == .done) }
      for client in slow { #expect(try ControlReply(client.receive(until: .distantFuture)) == .rx(long)) }
    }
  }

  @Test("A stop hangs up on those who have not asked yet, and lets those who have be answered")
  func stopping() async throws {
    try await withFolder { folder in
      let gate = AsyncStream<Void>.makeStream()
      let asked = AsyncStream<Void>.makeStream()
      let server = try server(folder) { _, _ in
        asked.continuation.yield()
        for await _ in gate.stream {}
        return .done
      }
      let silent = try begun(3, server.socket.path)
      let socket = server.socket
      async let reply = ask(.status, socket)
      for await _ in asked.stream { break }
      server.stop()
      for client in silent { #expect(Self.text(client) == "") }
      gate.continuation.finish()
      #expect(try await reply == .done)
      server.waitUntilServed(until: .distantFuture)
      #expect(throws: ControlError.absent) { _ = try ControlClient.connect(socket.path) }
    }
  }

  @Test("A socket's path is short, whatever the mount point's is")
  func pathLength() {
    let folder = RuntimeFolder(path: "/run/user/1000/afsfuse")
    let long = folder.socket(mountPoint: String(repeating: "/folder", count: 500)).path
    #expect(long.utf8.count < 108)
    #expect(long != folder.socket(mountPoint: "/afs").path)
    #expect(folder.socket(mountPoint: "/afs").path == folder.socket(mountPoint: "/afs").path)
  }
}
