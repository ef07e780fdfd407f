import Glibc

/// How a daemon tells the command that started it, and systemd, that the mount can be used, or why not.
///
/// On the pipe: `R` when ready, or `E` and a line of text; nothing else.
struct Readiness: Sendable {
  /// The pipe to the starting command; nil in the foreground.
  let descriptor: Int32?

  /// Says that the mount can be used, and lets go of the terminal.
  /// - Returns: false when the command that started us is gone.
  func ready() -> Bool {
    ServiceNotification.send("READY=1\nMAINPID=\(getpid())")
    guard let descriptor else { return true }
    let isHeard = say("R")
    close(descriptor)
    let null = open("/dev/null", O_RDWR)
    if null >= 0 {
      for standard in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] { dup2(null, standard) }
      if null > STDERR_FILENO { close(null) }
    }
    return isHeard
  }

  func failed(_ text: String) {
    if descriptor == nil {
      printError("afsfuse: \(text)")
    } else {
      _ = say("E" + text)
    }
  }

  private func say(_ text: String) -> Bool {
    guard let descriptor else { return true }
    return write(descriptor, text, text.utf8.count) == text.utf8.count
  }
}
