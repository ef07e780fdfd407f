import AFSBase
import Glibc

/// A command's side of the control socket.
///
/// It trusts a daemon as little as a daemon trusts it: nothing is sent before the folder and the process that listens are
/// known to be those of the folder's owner.
package enum ControlClient {
  /// Connecting and sending together. A daemon that works takes a request at once.
  private static let sendTime: Duration = .seconds(5)

  /// Asks the daemon at `socket`.
  /// - Parameter seconds: to wait for the answer, all of it; 0 is for ever.
  package static func ask(
    _ request: ControlRequest, at socket: ControlSocket, seconds: Int
  ) throws(ControlError) -> ControlReply {
    try socket.folder.check()
    let connection = try connect(socket.path)
    try connection.requirePeer(socket.folder.owner, path: socket.path)
    do throws(ControlError) {
      try connection.send(request, until: SystemClock.monotonic + sendTime)
    } catch {
      // A daemon that does not want the request may have hung up, and have said why.
      if error != .absent { throw error }
    }
    let deadline = seconds == 0 ? MonotonicTime.distantFuture : SystemClock.monotonic + .seconds(seconds)
    return try ControlReply(try connection.receive(until: deadline))
  }

  static func connect(_ path: String) throws(ControlError) -> ControlConnection {
    guard let address = sockaddr_un(path: path) else { throw .system(path, errno: ENAMETOOLONG) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .system(path, errno: errno) }
    let connection = ControlConnection(descriptor: descriptor)
    // connect(2) waits as long as sending may while the listener's queue is full.
    var time = timeval(tv_sec: Int(sendTime.components.seconds), tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    guard address.withAddress({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
      switch errno {
      case ENOENT, ECONNREFUSED: throw .absent
      case EAGAIN: throw .timedOut
      case let code: throw .system(path, errno: code)
      }
    }
    return connection
  }
}
