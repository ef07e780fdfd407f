import Glibc

/// How a daemon takes its place in a folder of sockets: one daemon at a time, for between bind(2) and listen(2) a socket
/// looks like one that a killed daemon has left.
enum SocketPlace {
  /// Takes away what killed daemons have left, and listens.
  /// - Parameter isShared: everybody may connect.
  /// - Returns: the listening socket.
  static func take(_ socket: ControlSocket, isShared: Bool) throws(ControlError) -> Int32 {
    let lock = try lock(socket.folder)
    defer { close(lock) }
    for other in socket.folder.sockets where isLeft(other) { unlink(other.path) }
    return try listen(socket.path, isShared: isShared)
  }

  /// A file that only the folder's owner can open: nobody else can keep his daemons waiting.
  private static func lock(_ folder: RuntimeFolder) throws(ControlError) -> Int32 {
    let path = folder.path + "/.lock"
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw .system(path, errno: errno) }
    while flock(file, LOCK_EX) != 0 {
      guard errno == EINTR else {
        let code = errno
        close(file)
        throw .system(path, errno: code)
      }
    }
    return file
  }

  /// A socket that nobody listens at refuses (as do files which are no sockets); one whose queue is full does not.
  private static func isLeft(_ socket: ControlSocket) -> Bool {
    var status = stat()
    guard lstat(socket.path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
    guard let address = sockaddr_un(path: socket.path) else { return false }
    let descriptor = Glibc.socket(AF_UNIX, flags, 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return address.withAddress { connect(descriptor, $0, $1) } != 0 && errno == ECONNREFUSED
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

  private static let flags =
    Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
}
