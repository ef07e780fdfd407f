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

  /// Asks every daemon whose socket is in one of the folders.
  /// - Parameter body: gets the replies; it throws when a reply is none to the request.
  /// - Returns: what went wrong, and where. A socket whose daemon is gone is nothing wrong.
  package static func askEach(
    _ request: ControlRequest, in folders: [RuntimeFolder], seconds: Int,
    _ body: (ControlReply) throws(ControlError) -> Void
  ) -> [ControlFailure] {
    var failures: [ControlFailure] = []
    for folder in folders {
      do throws(ControlError) {
        try folder.check()
      } catch {
        if error != .absent { failures.append(ControlFailure(path: folder.path, error: error)) }
        continue
      }
      for socket in folder.sockets {
        do throws(ControlError) {
          let reply = try ask(request, at: socket, seconds: seconds)
          if case .failed(let text) = reply { throw .refused(text) }
          try body(reply)
        } catch {
          if error != .absent { failures.append(ControlFailure(path: socket.path, error: error)) }
        }
      }
    }
    return failures
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
