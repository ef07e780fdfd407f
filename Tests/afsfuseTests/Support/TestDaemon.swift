import AFSControl
import Logging
import RxTransport

/// A daemon as commands see it: a control socket that answers. On a thread of its own, for other suites keep all of the
/// pool's for longer than commands wait.
final class TestDaemon: Sendable {
  private let thread: RxIOThread
  private let server: ControlServer

  var socket: ControlSocket { server.socket }

  /// - Parameter status: what it says of itself, with the mount point.
  init(_ status: MountStatus, in folder: RuntimeFolder) throws {
    let thread = try RxIOThread(name: "afs-test-io")
    self.thread = thread
    server = try ControlServer(
      mountPoint: status.mountPoint, folder: folder,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      spawn: { body in Task(executorPreference: thread) { await body() } },
      handler: { request, _ in request == .status ? .status(status) : .done })
  }

  func stop() {
    server.stop()
    thread.end()
  }
}
