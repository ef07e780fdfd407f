import Glibc

/// Starts the daemon: this program again, in a session of its own, and waits until it says that it is ready.
///
/// Not by fork(): what runs after it in a process with threads may find locks taken that nobody will ever release.
enum Launcher {
  /// Beyond it the daemon is ended: a mount contacts few servers, each within seconds.
  private static let readySeconds: Int32 = 120
  /// The daemon's end of the pipe.
  private static let readyDescriptor: Int32 = 3
  /// POSIX_SPAWN_SETSID of spawn.h, which Swift's Glibc does not show.
  private static let spawnInNewSession: Int16 = 0x80

  static func start() throws(Failure) {
    var pipes: [Int32] = [-1, -1]
    guard pipe(&pipes) == 0 else { throw Failure("pipe: \(String(cString: strerror(errno)))") }
    _ = fcntl(pipes[0], F_SETFD, FD_CLOEXEC)
    let pid = try spawn(pipes[1])
    close(pipes[1])
    let message = try read(pipes[0], pid)
    close(pipes[0])
    try Readiness.outcome(message)
  }

  private static func spawn(_ pipe: Int32) throws(Failure) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    // dup2 onto itself would keep close-on-exec's setting: the pipe has none.
    posix_spawn_file_actions_adddup2(&actions, pipe, readyDescriptor)
    if pipe != readyDescriptor { posix_spawn_file_actions_addclose(&actions, pipe) }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    posix_spawnattr_setflags(&attributes, spawnInNewSession)
    let arguments = MountInvocation.rewritten(CommandLine.arguments) + ["--ready-descriptor", "\(readyDescriptor)"]
    var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer {
      for pointer in argv { free(pointer) }
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    var pid = pid_t()
    let code = posix_spawn(&pid, executable, &actions, &attributes, &argv, environ)
    guard code == 0 else { throw Failure("cannot start the daemon: \(String(cString: strerror(code)))") }
    return pid
  }

  /// Where this program is; its own link in /proc when it was replaced meanwhile.
  static var executable: String {
    let link = "/proc/self/exe"
    guard let path = realpath(link, nil) else { return link }
    defer { free(path) }
    return access(path, X_OK) == 0 ? String(cString: path) : link
  }

  private static func read(_ pipe: Int32, _ pid: pid_t) throws(Failure) -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      var wanted = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
      let ready = poll(&wanted, 1, readySeconds * 1000)
      if ready < 0, errno == EINTR { continue }
      if ready == 0 {
        kill(pid, SIGTERM)
        throw Failure("the mount was not ready within \(readySeconds) seconds")
      }
      let count = Glibc.read(pipe, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { break }
      bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
