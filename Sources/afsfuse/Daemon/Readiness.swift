import Glibc

/// How a daemon tells the command that started it, and systemd, that the mount can be used, or why not.
///
/// On the pipe: `R` when ready; or `U`, when the command line is wrong, else `E`, and a line of text; nothing else.
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

  /// - Returns: the exit status.
  @discardableResult
  func failed(_ failure: Failure) -> Int32 {
    if descriptor == nil { return failure.report().rawValue }
    _ = say(Self.message(failure))
    return failure.status
  }

  private static let usage: Character = "U"
  private static let error: Character = "E"

  static func message(_ failure: Failure) -> String {
    String(failure == Failure(usage: failure.text) ? usage : error) + failure.text
  }

  /// What the starting command makes of what it has read.
  static func outcome(_ message: String) throws(Failure) {
    switch message.first {
    case "R": return
    case error: throw Failure(String(message.dropFirst()))
    case usage: throw Failure(usage: String(message.dropFirst()))
    default: throw Failure("the daemon ended before the mount could be used (see the system's log)")
    }
  }

  private func say(_ text: String) -> Bool {
    guard let descriptor else { return true }
    return write(descriptor, text, text.utf8.count) == text.utf8.count
  }
}
