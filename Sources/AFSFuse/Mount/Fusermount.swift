import Glibc

/// The set-user-id program which mounts and unmounts for those who may not: fusermount3 of the fuse3 package.
enum Fusermount {
  private static let program = "fusermount3"

  /// Mounts, and gets the connection's descriptor through a socket (fusermount3's `_FUSE_COMMFD`).
  static func mount(at path: String, options: MountOptions) throws(MountError) -> Int32 {
    var sockets: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &sockets) == 0 else {
      throw .mountFailed(path, errno: errno)
    }
    defer { close(sockets[0]) }
    let (code, text) = run(
      ["-o", options.fusermountOptions, "--", path], environment: ["_FUSE_COMMFD=\(sockets[1])"], closing: sockets[0])
    close(sockets[1])
    try check(code, text)
    guard let device = receiveDescriptor(from: sockets[0]) else { throw .fusermountFailed("\(program) sent nothing") }
    _ = fcntl(device, F_SETFD, FD_CLOEXEC)
    return device
  }

  static func unmount(_ path: String, lazily: Bool) throws(MountError) {
    let (code, text) = run(["-u"] + (lazily ? ["-z"] : []) + ["--", path], environment: [])
    if code != 0, text.contains("busy") { throw .busy(path, users: MountUsers.find(below: path)) }
    if code != 0, text.contains("not found") { throw .notMounted(path) }
    try check(code, text)
  }

  private static func check(_ code: Int32, _ text: String) throws(MountError) {
    if code == 0 { return }
    if code == ENOENT, text.isEmpty { throw .fusermountMissing }
    throw .fusermountFailed(text.isEmpty ? "\(program) failed (\(code))" : text)
  }

  /// Runs fusermount3 to its end; it does not wait for anything but the kernel.
  /// - Returns: its exit status (ENOENT, and no text, when it cannot be started) and the first line that it said.
  private static func run(
    _ arguments: [String], environment: [String], closing: Int32? = nil
  ) -> (status: Int32, text: String) {
    var pipes: [Int32] = [-1, -1]
    guard pipe(&pipes) == 0 else { return (errno, "") }
    _ = fcntl(pipes[0], F_SETFD, FD_CLOEXEC)
    _ = fcntl(pipes[1], F_SETFD, FD_CLOEXEC)
    defer { close(pipes[0]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, pipes[1], 2)
    if let closing { posix_spawn_file_actions_addclose(&actions, closing) }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var argv: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    let path = getenv("PATH").map { "PATH=" + String(cString: $0) } ?? "PATH=/usr/bin:/bin"
    var envp: [UnsafeMutablePointer<CChar>?] = (environment + [path]).map { strdup($0) } + [nil]
    defer {
      for pointer in argv + envp { free(pointer) }
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    var pid = pid_t()
    let code = posix_spawnp(&pid, program, &actions, &attributes, &argv, &envp)
    close(pipes[1])
    guard code == 0 else { return (code, "") }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1024)
    while true {
      let count = read(pipes[0], &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { break }
      bytes.append(contentsOf: chunk[..<count])
    }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    let text = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    // WIFEXITED and WEXITSTATUS, which are macros.
    return (status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f), text)
  }

  /// One SCM_RIGHTS message (unix(7)): a `cmsghdr` of 16 bytes, and the descriptor after it.
  private static func receiveDescriptor(from socket: Int32) -> Int32? {
    var byte: UInt8 = 0
    var control = [UInt64](repeating: 0, count: 8)
    let count = withUnsafeMutablePointer(to: &byte) { byte in
      control.withUnsafeMutableBytes { control in
        var vector = iovec(iov_base: UnsafeMutableRawPointer(byte), iov_len: 1)
        return withUnsafeMutablePointer(to: &vector) { vector in
          var message = msghdr()
          message.msg_iov = vector
          message.msg_iovlen = 1
          message.msg_control = control.baseAddress
          message.msg_controllen = control.count
          return recvmsg(socket, &message, 0)
        }
      }
    }
    guard count >= 0 else { return nil }
    return control.withUnsafeBytes { bytes in
      guard bytes.load(fromByteOffset: 0, as: UInt.self) >= 20,
        bytes.load(fromByteOffset: 8, as: Int32.self) == SOL_SOCKET,
        bytes.load(fromByteOffset: 12, as: Int32.self) == 1  // SCM_RIGHTS, an enumerator that Swift does not show
      else { return nil }
      return bytes.load(fromByteOffset: 16, as: Int32.self)
    }
  }
}
