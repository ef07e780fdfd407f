import Glibc

/// A command's side of the control socket.
package enum ControlClient {
  /// Asks the daemon at `socketPath`.
  /// - Parameter seconds: to wait for the answer; 0 is for ever.
  package static func ask(
    _ request: ControlRequest, at socketPath: String, seconds: Int
  ) throws(ControlError) -> ControlReply {
    let connection = try connect(socketPath)
    connection.setTimeout(seconds: 5)
    try connection.send(request.json)
    connection.setTimeout(seconds: seconds)
    return try ControlReply(try connection.receive())
  }

  static func connect(_ path: String) throws(ControlError) -> ControlConnection {
    guard let address = sockaddr_un(path: path) else { throw .system(path, errno: ENAMETOOLONG) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .system(path, errno: errno) }
    let connection = ControlConnection(descriptor: descriptor)
    guard address.withAddress({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
      let code = errno
      throw code == ENOENT || code == ECONNREFUSED ? .absent : .system(path, errno: code)
    }
    return connection
  }
}
