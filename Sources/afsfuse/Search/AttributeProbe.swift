import AFSBase
import AFSFuse
import CLinuxShims
import Glibc

/// Asks mounts for `ControlAttribute`, each in a process of its own, with a limit on the time.
///
/// A daemon that hangs would hang whoever asks it, in a call that not even SIGKILL ends, and a process with such a thread
/// cannot exit. The child is left to itself then.
struct AttributeProbe {
  /// As the first argument it makes this program the child.
  static let word = "ask-mount"

  /// The child's command line.
  var command: @Sendable (MountTableEntry) -> [String] = { entry in
    [Launcher.executable, word, entry.mountPoint, "\(entry.userID ?? 0)", "\(entry.groupID ?? 0)"]
  }
  var limit: Duration = .seconds(5)

  /// - Returns: an answer for each.
  func ask(_ entries: [MountTableEntry]) -> [ControlAttribute.Answer] {
    let children = entries.map { Child(command($0)) }
    let deadline = SystemClock.monotonic + limit
    return children.map { child in
      ControlAttribute.Answer(line: child?.line(until: deadline) ?? "")
    }
  }

  /// The child: prints the answer.
  /// - Parameter arguments: those after `word`.
  static func answer(_ arguments: ArraySlice<String>) -> Int32 {
    guard arguments.count == 3, let path = arguments.first, let user = uid_t(arguments[arguments.startIndex + 1]),
      let group = gid_t(arguments[arguments.startIndex + 2])
    else { return 64 }
    // The kernel lets only the owner near a mount that is not shared, not even root.
    if geteuid() == 0, user != 0, afsfuse_become(user, group) != 0 {
      print(ControlAttribute.Answer.refused.line)
      return 0
    }
    print(ControlAttribute.read(at: path).line)
    return 0
  }
}

/// A process that writes one line.
private struct Child {
  private let pid: pid_t
  private let pipe: Int32

  /// nil when it cannot be started.
  init?(_ command: [String]) {
    var ends: [Int32] = [-1, -1]
    guard Glibc.pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    // Whoever reads what the command prints waits for all who could still print.
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    var argv: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    var pid = pid_t()
    let code = posix_spawn(&pid, command[0], &actions, nil, &argv, environ)
    for pointer in argv { free(pointer) }
    posix_spawn_file_actions_destroy(&actions)
    close(ends[1])
    guard code == 0 else {
      close(ends[0])
      return nil
    }
    (self.pid, pipe) = (pid, ends[0])
  }

  /// What it has written when it ends; nil when it has not ended in time. To be called once.
  func line(until deadline: MonotonicTime) -> String? {
    defer { close(pipe) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let left = (deadline - SystemClock.monotonic).wholeNanoseconds
      var entry = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
      let ready = poll(&entry, 1, Int32(clamping: max(left, 0) / 1_000_000))
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else {
        kill(pid, SIGKILL)
        waitpid(pid, nil, WNOHANG)
        return nil
      }
      let count = read(pipe, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      bytes += chunk[..<count]
    }
    // It has closed its output: it is ending.
    waitpid(pid, nil, 0)
    return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }
}
