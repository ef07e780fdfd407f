package import AFSBase
package import Glibc
package import Logging
import Synchronization

/// A daemon's side of the control socket: a thread carries the bytes, a task answers each request.
///
/// On a private mount only the user who runs the daemon, and root, are heard; the socket's mode says the same. On a shared
/// one everybody may speak of his own tokens (`ControlRequest.isForEverybody`).
package final class ControlServer: Sendable {
  /// - Parameter user: who asks, as the kernel says.
  package typealias Handler = @Sendable (_ request: ControlRequest, _ user: uid_t) async -> ControlReply
  /// Starts a task.
  package typealias Spawner = @Sendable (@escaping @Sendable () async -> Void) -> Void

  package let socket: ControlSocket
  private let listener: Int32
  private let mailbox: ControlMailbox
  private let hasEnded = Monitor(false)
  private let isStopped = Atomic(false)

  /// Takes the socket's place; a socket which a dead daemon left is removed.
  /// - Parameter isShared: other users use the mount, too.
  package init(
    mountPoint: String, folder: RuntimeFolder, isShared: Bool = false, logger: Logger, spawn: @escaping Spawner,
    handler: @escaping Handler
  ) throws(ControlError) {
    try folder.make()
    socket = folder.socket(mountPoint: mountPoint)
    mailbox = try ControlMailbox()
    listener = try Self.listen(socket.path, isShared: isShared)
    let loop = ControlLoop(
      listener: listener, isShared: isShared, mailbox: mailbox, logger: logger, spawn: spawn, handler: handler)
    let thread = WorkerThread(name: "afs-control") { [hasEnded] in
      var loop = loop
      loop.run()
      hasEnded.change { $0 = true }
    }
    if thread == nil {
      close(listener)
      unlink(socket.path)
      throw .system("control socket's thread", errno: EAGAIN)
    }
  }

  deinit {
    stop()
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
    let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let listener = Glibc.socket(AF_UNIX, flags, 0)
    guard listener >= 0 else { throw .system(path, errno: errno) }
    // The mode that bind gives the socket is the descriptor's, without what the umask takes.
    guard fchmod(listener, 0o600) == 0, address.withAddress({ bind(listener, $0, $1) }) == 0,
      !isShared || chmod(path, 0o666) == 0,
      Glibc.listen(listener, 128) == 0
    else {
      let code = errno
      close(listener)
      throw .system(path, errno: code)
    }
    return listener
  }

  /// Stops accepting, removes the socket, hangs up on those who have not asked yet. Requests being served go on.
  package func stop() {
    guard !isStopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
    unlink(socket.path)
    mailbox.stop()
  }

  /// Waits until all replies are sent, and the thread has ended.
  package func waitUntilServed(until deadline: MonotonicTime) {
    _ = hasEnded.wait(until: deadline) { $0 ? true : nil }
  }
}
