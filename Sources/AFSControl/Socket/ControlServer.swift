package import AFSBase
package import Glibc
package import Logging
import Synchronization

/// A daemon's side of the control socket: a thread accepts, a task answers each request.
///
/// On a private mount only the user who runs the daemon, and root, are heard; the socket's mode says the same. On a shared
/// one everybody may speak of his own tokens (`ControlRequest.isForEverybody`).
package final class ControlServer: Sendable {
  /// - Parameter user: who asks, as the kernel says.
  package typealias Handler = @Sendable (_ request: ControlRequest, _ user: uid_t) async -> ControlReply
  /// Starts a task.
  package typealias Spawner = @Sendable (@escaping @Sendable () async -> Void) -> Void

  /// Requests served at a time; the next connection waits.
  private static let servedMax = 16

  package let socketPath: String
  private let listener: Int32
  private let handler: Handler
  private let isShared: Bool
  private let spawn: Spawner
  private let logger: Logger
  private let served = Monitor(0)
  private let stopped = Atomic(false)
  private let thread = Mutex<WorkerThread?>(nil)

  /// Takes the socket's place; a socket which a dead daemon left is removed.
  /// - Parameter isShared: other users use the mount, too.
  package init(
    mountPoint: String, folder: RuntimeFolder, isShared: Bool = false, logger: Logger, spawn: @escaping Spawner,
    handler: @escaping Handler
  ) throws(ControlError) {
    try folder.make()
    socketPath = folder.socketPath(mountPoint: mountPoint)
    listener = try Self.listen(socketPath, isShared: isShared)
    self.isShared = isShared
    self.handler = handler
    self.spawn = spawn
    self.logger = logger
    let thread = WorkerThread(name: "afs-control") { [weak self] in self?.accept() }
    self.thread.withLock { $0 = thread }
  }

  private static func listen(_ path: String, isShared: Bool) throws(ControlError) -> Int32 {
    guard let address = sockaddr_un(path: path) else { throw .system(path, errno: ENAMETOOLONG) }
    do throws(ControlError) {
      _ = try ControlClient.connect(path)
      throw .inUse(path)
    } catch {
      if error != .absent { throw error }
    }
    unlink(path)
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard listener >= 0 else { throw .system(path, errno: errno) }
    // The mode that bind gives the socket is the descriptor's, without what the umask takes.
    guard fchmod(listener, 0o600) == 0, address.withAddress({ bind(listener, $0, $1) }) == 0,
      !isShared || chmod(path, 0o666) == 0,
      Glibc.listen(listener, 16) == 0
    else {
      let code = errno
      close(listener)
      throw .system(path, errno: code)
    }
    return listener
  }

  /// Stops accepting and removes the socket. Requests being served go on.
  package func stop() {
    guard !stopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
    unlink(socketPath)
    // Makes the blocked accept return.
    shutdown(listener, Int32(SHUT_RDWR))
    thread.withLock { $0 }?.join()
    close(listener)
  }

  /// Waits until all replies are sent.
  package func waitUntilServed(until deadline: MonotonicTime) {
    _ = served.wait(until: deadline) { $0 == 0 ? true : nil }
  }

  private func accept() {
    while !stopped.load(ordering: .acquiring) {
      let descriptor = Glibc.accept(listener, nil, nil)
      if descriptor < 0 {
        if errno == EINTR || errno == ECONNABORTED { continue }
        if stopped.load(ordering: .acquiring) { return }
        // No descriptors left, perhaps: later.
        logger.warning("control socket", metadata: ["error": "\(errorText(errno))"])
        usleep(100_000)
        continue
      }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      takeTurn()
      serve(ControlConnection(descriptor: descriptor))
    }
  }

  private func takeTurn() {
    _ = served.wait(until: .distantFuture) { count -> Bool? in
      guard count < Self.servedMax else { return nil }
      count += 1
      return true
    }
  }

  /// Reads the request here, within seconds; a task answers it.
  private func serve(_ connection: ControlConnection) {
    connection.setTimeout(seconds: 5)
    do throws(ControlError) {
      guard let user = connection.peerUser else { throw .refused("the system does not say who asks") }
      let isOwner = user == geteuid() || user == 0
      guard isOwner || isShared else { throw .refused("this mount belongs to another user") }
      let request = try ControlRequest(try connection.receive())
      guard isOwner || request.isForEverybody else { throw .refused("this mount belongs to another user") }
      spawn { [self] in
        let reply = await handler(request, user)
        send(reply, to: connection)
      }
    } catch {
      send(.failed(error.description), to: connection)
    }
  }

  private func send(_ reply: ControlReply, to connection: ControlConnection) {
    do throws(ControlError) {
      try connection.send(reply.json)
    } catch {
      logger.debug("control reply not sent", metadata: ["error": "\(error)"])
    }
    served.change { $0 -= 1 }
  }
}
