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

  /// Takes the socket's place; sockets which killed daemons left are removed.
  /// - Parameter isShared: other users use the mount, too.
  package init(
    mountPoint: String, folder: RuntimeFolder, isShared: Bool = false, logger: Logger, spawn: @escaping Spawner,
    handler: @escaping Handler
  ) throws(ControlError) {
    try folder.make()
    socket = folder.socket(mountPoint: mountPoint)
    mailbox = try ControlMailbox()
    listener = try SocketPlace.take(socket, isShared: isShared)
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
